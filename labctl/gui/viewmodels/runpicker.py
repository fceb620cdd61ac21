"""Which runs to compare: all that the station has, narrowed by what a person types, selects, or knows of the cells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.comparing import group_of, group_word
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.parsing import plain
from labctl.gui.viewmodels.text import duration
from labctl.gui.viewmodels.words import channel_word, tr
from labctl.model.latest import LatestCycle
from labctl.model.run import RunSummary


class From(StrEnum):
    """What runs are offered."""

    ALL = "all"
    SELECTION = "selection"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PickRow:
    """One run as it is offered. ``taken``: it is compared already."""

    run: RunSummary
    cell: str
    group: str
    batch: str
    protocol: str
    state: str
    length: str
    cycles: int
    taken: bool


class RunPicker:
    """The runs of the station and which of them a person has marked."""

    def __init__(self, lab: Lab, asks: Asks, selected: Callable[[], Collection[str]] = tuple) -> None:
        """``selected`` gives the channels that are selected in the window (R8)."""
        self._cycles: dict[str, int] = {}
        self._lab, self._asks, self._selected = lab, asks, selected
        self._runs: tuple[RunSummary, ...] = ()
        self._marked: dict[str, None] = {}
        self._watchers: list[Callable[[], None]] = []
        self.source = From.ALL
        self.batch = ""
        self.text = ""
        self.taken: Collection[str] = ()
        self.trouble: Trouble | None = None
        self.asked = False

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def ask(self) -> None:
        """Ask the station for its runs."""
        self.asked = True
        self._asks.ask("runs.list", then=self._take, failed=self._failed)

    def _take(self, runs: Sequence[RunSummary]) -> None:
        self._runs, self.trouble = tuple(runs), None
        if any(
            not run.cycle and run.run_id not in self._lab.runs for run in runs
        ):  # an ended run's summary has none
            self._asks.ask("runs.latest_cycles", then=self._take_cycles, deadline_s=30.0)
        self._tell()

    def _take_cycles(self, newest: Sequence[LatestCycle]) -> None:
        self._cycles = {one.run_id: one.cycle for one in newest}
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    # -- narrowing --------------------------------------------------------------------------------------------------

    def narrow(
        self, *, source: From | None = None, batch: str | None = None, text: str | None = None
    ) -> None:
        """Offer fewer or other runs; what is marked stays marked."""
        self.source = self.source if source is None else source
        self.batch = self.batch if batch is None else batch
        self.text = self.text if text is None else text
        self._tell()

    @property
    def batches(self) -> tuple[str, ...]:
        """Return the batches of the registry that have a run."""
        cells = {run.cell_id for run in self._runs}
        return tuple(
            sorted({cell.batch for key, cell in self._lab.cells.items() if key in cells and cell.batch})
        )

    def rows(self) -> tuple[PickRow, ...]:
        """Return what is offered, newest first."""
        words = plain(self.text).casefold().split()
        chosen = set(self._selected()) if self.source is From.SELECTION else set()
        in_channel = {status.run_id for key, status in self._lab.channels.items() if key in chosen}
        in_channel |= {run.run_id for run in self._runs if str(run.channel) in chosen}
        cells = {status.cell_id for key, status in self._lab.channels.items() if key in chosen} - {""}
        found = []
        for run in reversed(self._runs):
            live = run.run_id in self._lab.runs
            if (self.source is From.RUNNING and not live) or (self.source is From.ENDED and live):
                continue
            if self.source is From.SELECTION and run.run_id not in in_channel and run.cell_id not in cells:
                continue
            row = self._row(run)
            if self.batch and row.batch != self.batch:
                continue
            told = (
                f"{row.cell} {run.cell_id} {row.group} {row.batch} {row.protocol} {row.state} {run.channel}"
            )
            if all(word in told.casefold() for word in words):
                found.append(row)
        return tuple(found)

    def _row(self, run: RunSummary) -> PickRow:
        cell, live = self._lab.cells.get(run.cell_id), self._lab.runs.get(run.run_id)
        state = tr("picker", "running") if live is not None else run.outcome or channel_word(run.state).short
        time_s = live.test_time_s if live is not None and live.test_time_s else run.test_time_s
        return PickRow(
            run,
            cell.name if cell is not None else run.cell_name or run.cell_id,
            group_word(group_of(cell.coating if cell is not None else "")),
            "" if cell is None else cell.batch,
            run.protocol,
            state,
            duration(time_s),
            live.cycle if live is not None else run.cycle or self._cycles.get(run.run_id, 0),
            run.run_id in self.taken,
        )

    # -- marking ----------------------------------------------------------------------------------------------------

    def mark(self, run_ids: Collection[str], marked: bool = True) -> None:
        """Mark runs, or take the mark away."""
        for run_id in run_ids:
            if marked:
                self._marked[run_id] = None
            else:
                self._marked.pop(run_id, None)
        self._tell()

    def mark_shown(self) -> None:
        """Mark all that are offered, or none where all are marked."""
        shown = [row.run.run_id for row in self.rows() if not row.taken]
        self.mark(shown, not all(run_id in self._marked for run_id in shown))

    def mark_cell(self, run_id: str) -> None:
        """Mark every test of the cell of a run."""
        cell = next((run.cell_id for run in self._runs if run.run_id == run_id), "")
        self.mark([run.run_id for run in self._runs if run.cell_id == cell and run.run_id not in self.taken])

    def marked(self, run_id: str) -> bool:
        """Tell whether a run is marked."""
        return run_id in self._marked

    def take(self) -> tuple[RunSummary, ...]:
        """Return the marked runs, oldest first, and begin anew."""
        found = tuple(
            run for run in self._runs if run.run_id in self._marked and run.run_id not in self.taken
        )
        self._marked.clear()
        return found

    @property
    def count(self) -> int:
        """Return how many are marked."""
        return sum(run.run_id in self._marked and run.run_id not in self.taken for run in self._runs)

    @property
    def why_not(self) -> str:
        """Return why nothing can be added; empty where it can."""
        return "" if self.count else tr("picker", "Mark the runs to compare (Space).")
