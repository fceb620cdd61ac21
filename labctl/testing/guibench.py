"""A station for tests of the window: says what the test wants, over the client's own interface, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from labctl.api.client.frames import Rows
from labctl.api.messages import PREFIX, Hello
from labctl.errors import LinkClosed
from labctl.model.bench import Delta, StationInfo, StopAll, StopReport
from labctl.model.cell import Cell
from labctl.model.person import Role
from labctl.model.plain import to_plain

INFO = StationInfo(
    name="Station A", version="0", epoch="e1", pid=1, data="data", virtual=False, clock="real",
    plant_utc="2026-04-21T01:42:17+00:00", started_utc="2026-04-21T00:00:00+00:00", ready=True,
    stop_all=StopAll(active=False), free_bytes=412_000_000_000, space="ok",
    runs_active=0, jobs_waiting=0, alarms_open=0,
)  # fmt: skip


class ScriptedStation:
    """What ``AsyncStation`` is to the bridge; ``FakeWorld`` holds the strings."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.cells = _Cells()
        self.runs = _Runs(world)
        self.address: Any = type("Address", (), {"url": f"http://fake{PREFIX}"})()

    async def hello(self) -> Hello:
        """Say who answers. Raises: LinkClosed while the world is cut."""
        await self._world.answer("hello")
        return Hello("Station A", "0", 1, "e1", True, "chen", Role.OPERATE)

    async def info(self) -> StationInfo:
        """Say how the station stands. Raises: LinkClosed while the world is cut."""
        await self._world.answer("info")
        return self._world.info

    async def stop_all(self, reason: str = "") -> StopAll:
        """Stop. Raises: LinkClosed while the world is cut."""
        await self._world.answer("stop_all")
        reports = tuple(StopReport(channel, confirmed) for channel, confirmed in self._world.outputs.items())  # type: ignore[arg-type]  # ids are words
        return StopAll(True, "chen", "2026-04-21T01:42:18+00:00", reason, reports)

    async def release_stop_all(self, *, reason: str, confirm: str = "") -> StopAll:
        """Release. Raises: LinkClosed while the world is cut."""
        await self._world.answer(f"release {reason} {confirm}")
        return StopAll(active=False)

    async def stream(
        self, topics: Collection[str] = (), runs: Collection[str] = (), *, patience_s: float = 0.0
    ) -> AsyncIterator[Delta | Rows]:
        """Yield the snapshot, then what is published."""
        queue: asyncio.Queue[Delta | Rows] = asyncio.Queue()
        listener = (frozenset(runs), queue)
        self._world.listeners.append(listener)
        try:
            if not runs:
                for delta in tuple(self._world.state.values()):
                    yield delta
            while True:
                yield await queue.get()
        finally:
            self._world.listeners.remove(listener)

    async def close(self) -> None:
        """Hang up."""
        self._world.closed += 1


class _Cells:
    async def list(self) -> tuple[Cell, ...]:
        """Return no cells."""
        return ()


class _Runs:
    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    async def stop(self, run_id: str, *, reason: str = "") -> str:
        """Stop a run."""
        await self._world.answer(f"runs.stop {run_id}")
        return f"run {run_id} stopped, read back"

    async def records(
        self, run_id: str, *, after: int = 0, limit: int = 1000, columns: Sequence[str] | None = None
    ) -> Any:
        """Return rows that passed unseen, none of them back-filled."""
        self._world.calls.append(f"records {run_id} after {after} limit {limit}")
        table = self._world.table(run_id, after + 1, after + limit)
        return (
            table.append_column("backfilled", [[False] * limit]) if "backfilled" in (columns or ()) else table
        )


class FakeWorld:
    """The station's side. Its methods are called in the test's thread; ``listeners`` live in the client's loop."""

    def __init__(self) -> None:
        self.info = INFO
        self.state: dict[tuple[str, str], Delta] = {}
        self.listeners: list[tuple[frozenset[str], asyncio.Queue[Delta | Rows]]] = []
        self.outputs: dict[str, bool] = {"neware:1-1": True, "neware:1-2": True}
        self.calls: list[str] = []
        self.closed = 0
        self.problem: Exception | None = None
        self.silent = False
        self.number = 0
        self._loops: list[asyncio.AbstractEventLoop] = []

    async def connect(self, start: bool) -> Any:
        """Connect, as ``Bridge`` wants it. Raises: LinkClosed while the world is cut."""
        self._loops.append(asyncio.get_running_loop())
        await self.answer("connect")
        return ScriptedStation(self)

    async def answer(self, what: str) -> None:
        """Note a call; hang while silent. Raises: the planted problem."""
        self.calls.append(what)
        if self.silent:
            await asyncio.Event().wait()
        if self.problem is not None:
            raise self.problem

    def cut(self, text: str = "cable pulled") -> None:
        """Let every answer fail from now on."""
        self.problem = LinkClosed(text, instrument="station", operation="test")

    def mend(self) -> None:
        """Let answers come again."""
        self.problem, self.silent = None, False

    def virtual(self, speed: float | None = 600.0, fixed: str = "") -> None:
        """Be a virtual bench whose time goes at ``speed``; ``fixed`` says why it takes no other."""
        self.info = replace(self.info, virtual=True, speed=speed, speed_fixed=fixed)

    def publish(self, topic: str, key: str, data: object) -> None:
        """Publish a value (a dataclass or a JSON object; None = gone)."""
        self.number += 1
        delta = Delta(self.number, topic, key, None if data is None else dict(to_plain(data)))
        if topic != "event":
            self.state[topic, key] = delta
        self._to_listeners(lambda runs: not runs, delta)

    def rows(self, run_id: str, first: int, last: int) -> None:
        """Send live rows ``first`` to ``last`` of a run to who follows it."""
        rows = Rows(run_id, first, last, self.table(run_id, first, last))
        self._to_listeners(lambda runs: run_id in runs or "*" in runs, rows)

    def table(self, run_id: str, first: int, last: int) -> Any:
        """Return rows as the station's Arrow table."""
        import pyarrow as pa

        numbers = list(range(first, last + 1))
        return pa.table({"sequence": numbers, "voltage_volt": [3.0 + number * 1e-3 for number in numbers]})

    def _to_listeners(self, wanted: Callable[[frozenset[str]], bool], item: Delta | Rows) -> None:
        def put() -> None:
            for runs, queue in tuple(self.listeners):
                if wanted(runs):
                    queue.put_nowait(item)

        for loop in self._loops[:1]:
            if not loop.is_closed():
                loop.call_soon_threadsafe(put)
