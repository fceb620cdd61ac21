"""A fake station that answers over a real socket while the test does something else: for clients and command lines."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl.api.client.address import SERVE_PURPOSE
from labctl.api.messages import Endpoint
from labctl.api.server.serving import serve_api
from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.config.api import Address, ApiSettings
from labctl.testing.fakecore import FakeCore, open_fake_core

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
LOOPBACK = ApiSettings((Address("127.0.0.1", 0),))


@dataclass(slots=True)
class ServedFake:
    """A fake station in a thread of this process. ``call`` runs something on its event loop."""

    core: FakeCore
    endpoint: Endpoint
    data: Path
    loop: asyncio.AbstractEventLoop

    def call(self, coroutine: Any) -> Any:
        """Run a coroutine of the core on its loop and return what it gives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(START_TIMEOUT_S)


@contextmanager
def served_fake(data: Path, settings: ApiSettings = LOOPBACK) -> Iterator[ServedFake]:
    """Serve a fake station whose data root is ``data``, locked as a station's is; ends with the block."""
    told: queue.SimpleQueue[ServedFake | BaseException] = queue.SimpleQueue()
    leave: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main(clock: Clock) -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        leave.append((loop, over))
        async with open_fake_core(data, clock) as core:
            with core.root.lock(SERVE_PURPOSE):
                as_core: Any = core  # it keeps the core's promises

                def ready(endpoint: Endpoint) -> None:
                    told.put(ServedFake(core, endpoint, data, loop))

                async with asyncio.TaskGroup() as group:
                    task = group.create_task(serve_api(as_core, settings, ready))
                    await over.wait()
                    task.cancel()

    def run() -> None:
        try:
            run_with_clock(ClockSpec(), main)
        except BaseException as error:
            told.put(error)
            raise

    thread = threading.Thread(target=run, name="fake station", daemon=True)
    thread.start()
    found = told.get(timeout=START_TIMEOUT_S)
    if isinstance(found, BaseException):
        raise found
    try:
        yield found
    finally:
        loop, over = leave[0]
        loop.call_soon_threadsafe(over.set)
        thread.join(STOP_TIMEOUT_S)
