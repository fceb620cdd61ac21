"""A fake station behind its real application, called in memory or over a real socket: for tests of API and clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from labctl.api.messages import Endpoint
from labctl.api.server.app import make_app
from labctl.api.server.serving import serve_api
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.api import Address, ApiSettings
from labctl.model.person import STATION, Role
from labctl.testing.fakecore import FakeCore, open_fake_core


@dataclass(slots=True)
class ApiBench:
    """An open fake station, its application, and a token of each role."""

    core: FakeCore
    clock: Clock
    app: FastAPI
    tokens: dict[Role, str]
    folder: Path

    def client(self, role: Role | None = Role.ADMIN, **headers: str) -> httpx.AsyncClient:
        """Return a client in memory with the token of a role."""
        given = {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers={**given, **headers}
        )


Scene = Callable[[ApiBench], Coroutine[Any, Any, None]]
"""What a test does with an open fake station."""


def play_api(scene: Scene, folder: Path, mode: ClockMode = ClockMode.JUMP) -> None:
    """Run a scene on a fake station with its data in ``folder``, in jump time unless told otherwise."""

    async def main(clock: Clock) -> None:
        async with open_fake_core(folder, clock) as core:
            tokens = {}
            for role in Role:
                _, tokens[role] = await core.people.add(STATION, f"{role.value} person", role)
            as_core: Any = core  # it keeps the core's promises
            app = make_app(as_core)
            try:
                await scene(ApiBench(core, clock, app, tokens, folder))
            finally:
                app.state.reader.close()

    run_with_clock(ClockSpec(mode=mode), main)


@asynccontextmanager
async def served(bench: ApiBench, settings: ApiSettings | None = None) -> AsyncIterator[Endpoint]:
    """Serve a fake station over a real socket."""
    settings = settings or ApiSettings((Address("127.0.0.1", 0),))
    listening: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        core: Any = bench.core
        task = group.create_task(serve_api(core, settings, listening.set_result))
        try:
            yield await listening
        finally:
            task.cancel()
