"""A registry on a simulated disk in jump time, with a journal that only remembers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.model.person import Actor, Role
from labctl.station.feed import Feed
from labctl.station.registry import Registry
from labctl.store.root import DataRoot
from labctl.store.simdisk import SimulatedDisk
from labctl.worker import Worker

ROOT = Path("/bench/data").absolute()
ANA = Actor("Ana", Role.OPERATE, "test")


@dataclass
class Remembered:
    """A journal that keeps what it is told."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    async def write(
        self,
        actor: Actor,
        what: str,
        *,
        subject: str = "",
        old: Any = None,
        new: Any = None,
        reason: str = "",
    ) -> None:
        self.lines.append(
            {"by": actor.name, "what": what, "subject": subject, "old": old, "new": new, "reason": reason}
        )


@dataclass
class Bench:
    """A disk that outlives the registries opened on it."""

    disk: SimulatedDisk = field(default_factory=lambda: SimulatedDisk(seed=1))
    path: Path = ROOT
    audit: Remembered = field(default_factory=Remembered)
    feed: Feed | None = None
    real: bool = False

    def run(self, act: Callable[[Registry], Awaitable[Any]]) -> Any:
        """Open a registry, do something with it, close it."""

        async def main(clock: Clock) -> Any:
            worker = Worker("test-registry", clock)
            self.feed = Feed("epoch")
            root = DataRoot(self.path) if self.real else DataRoot(self.path, disk=self.disk)
            registry = Registry(root, worker, self.feed, self.audit, clock)
            try:
                await registry.open()
                return await act(registry)
            finally:
                registry.close()
                worker.close()

        return run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


@pytest.fixture
def bench() -> Bench:
    return Bench()
