"""The invariants I01 to I20 as checkers: each hears what happens and compares it with what the bench knows.

A checker shares no code with what it checks: the follow machine, the limit machine and the life table have twins here,
written from the spec. It never acts. What it finds goes to ``World.violations`` with the invariant's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.life import Phase
from labctl.errors import StoreError
from labctl.model.cell import Cell
from labctl.model.record import RecordBlock
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.testing.faultstory import Story
from labctl.testing.faultworld import Injected, Watcher, World

VIOLATIONS_MAX = 200
LIVE = frozenset(
    {
        Phase.STARTING,
        Phase.RUNNING,
        Phase.STALE,
        Phase.UNKNOWN,
        Phase.DECIDING,
        Phase.STOPPING,
        Phase.DRAINING,
    }
)
FOLLOWED = frozenset({Phase.RUNNING, Phase.STALE, Phase.UNKNOWN})


@dataclass(slots=True)
class RunView:
    """What has been heard of a run."""

    run_id: str
    channel: str
    phase: Phase = Phase.PREPARED
    phases: list[tuple[float, Phase]] = field(default_factory=list)
    acked: list[RecordBlock] = field(default_factory=list)
    ended: RunResult | None = None
    left: str = ""
    last_row_s: float = 0.0
    life: int = 0

    @property
    def place(self) -> str:
        """Return ``1-3`` of ``neware:1-3``."""
        return self.channel.partition(":")[2]

    @property
    def instrument(self) -> str:
        """Return the instrument's name."""
        return self.channel.partition(":")[0]

    @property
    def over(self) -> bool:
        """Tell whether the station has nothing more to do for it: ended, held or left."""
        return self.ended is not None or bool(self.left) or self.phase is Phase.ENDED

    def rows(self, name: str) -> NDArray[Any]:
        """Return a column of all acknowledged rows."""
        return np.concatenate([block[name] for block in self.acked]) if self.acked else np.zeros(0)


class Known:
    """What all checkers share: the world, the story, the runs, and truth that has been asked for."""

    def __init__(self, world: World, story: Story, root_path: Any) -> None:
        self.world = world
        self.story = story
        self.root_path = root_path
        self.runs: dict[str, RunView] = {}
        self.cells: dict[str, Cell] = {str(job.channel): job.cell for job in story.jobs}
        self.bound: dict[str, str] = {}
        """run id -> cell id"""
        self.poll_s = story.poll_s

    def root(self) -> DataRoot:
        """Return the data root as the disk holds it now."""
        return DataRoot(self.root_path, create=False, disk=self.world.disk)

    def reader(self, run_id: str) -> RunReader:
        """Open a run's folder."""
        return RunReader(self.root().run_folder(run_id), disk=self.world.disk)

    def told(self, run_id: str) -> set[str]:
        """Return the kinds of the events that a run's folder holds by now."""
        try:
            return {str(event.get("kind")) for event in self.reader(run_id).events()}
        except StoreError:
            return set()

    def active(self, instrument: str = "") -> Iterator[RunView]:
        """Yield the runs that the living process follows."""
        for run in self.runs.values():
            lives = run.life == self.world.life and not self.world.dead
            mine = not instrument or run.instrument == instrument
            if lives and mine and not run.over and run.phase in LIVE:
                yield run

    def disturbed(self, since_s: float, *, instrument: str = "", fids: Sequence[str] = ()) -> bool:
        """Tell whether any fault (of these ids) was on at or after a moment."""
        return any(
            fault.until_s >= since_s and (not fids or fault.fid in fids)
            and (not instrument or not fault.instrument or fault.instrument == instrument)
            for fault in self.world.faults
        )  # fmt: skip


class Checker(Watcher):
    """One invariant. ``flaw`` reports a violation."""

    id = "I00"
    name = ""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.world = known.world
        self.checked = 0

    def flaw(self, text: str, invariant: str = "") -> None:
        """Report a violation with the moment."""
        if len(self.world.violations) < VIOLATIONS_MAX:
            where = f"life {self.world.life}, {self.world.now_s:.1f} s: {text}"
            self.world.violations.append((invariant or self.id, where))

    def at_end(self) -> None:
        """Judge the whole story once it is over."""


class Listener(Watcher):
    """Keeps the shared view of the runs up to date; stands first among the watchers."""

    def __init__(self, known: Known) -> None:
        self.known = known

    def _view(self, run_id: str, channel: str) -> RunView:
        run = self.known.runs.get(run_id)
        if run is None:
            run = self.known.runs[run_id] = RunView(run_id, channel)
        if run.life != self.known.world.life:
            run.life = self.known.world.life
            run.left = ""
        return run

    def progress(self, progress: Progress) -> None:
        """Note the phase."""
        run = self._view(progress.run_id, progress.channel)
        if progress.phase is not run.phase or not run.phases:
            run.phase = progress.phase
            run.phases.append((self.known.world.now_s, progress.phase))

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Keep acknowledged rows."""
        run = self.known.runs.get(run_id)
        if run is not None:
            run.acked.append(block)
            run.last_row_s = self.known.world.now_s

    def ended(self, result: RunResult) -> None:
        """Note the end, or that the run is left."""
        run = self._view(result.run_id, result.channel)
        if result.outcome is not None:
            run.ended = result
        else:
            run.left = result.reason or "left"

    def life_begins(self, life: int) -> None:
        """Forget what only the dead process believed; hear the rows that it made durable and told nobody of."""
        world = self.known.world
        for run in self.known.runs.values():
            if run.ended is None:
                run.left, run.phase = "", Phase.PREPARED
                heard = int(run.acked[-1]["sequence"][-1]) if run.acked else 0
                for block in self.known.reader(run.run_id).blocks(first=heard + 1):
                    if len(block):
                        for watcher in world.watchers:
                            watcher.rows(run.run_id, block)


def hit(faults: Sequence[Injected], *fids: str) -> list[Injected]:
    """Return the faults of these ids that have met something."""
    return [fault for fault in faults if fault.fid in fids and fault.hit]
