"""The rows behind what a plot shows, where they are few enough: which step ran when, and which readings were BAD.

Columns of a curve are thinned; a step band and the place of a BAD reading need the rows themselves. They are asked for
once the window holds at most ``ROWS_MAX`` of them, and live rows are added behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.growing import Growing
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.sparks import columns_of
from labctl.gui.viewmodels.words import step_name, step_word
from labctl.model.record import QUALITY_GOOD, STEP_TYPE_NAMES

Floats = NDArray[np.float64]
ROWS_MAX = 40_000
"""Rows fetched for one window: 3 MB."""
LIVE_MAX = 20_000
NAMES = (
    "sequence",
    "test_time_second",
    "voltage_volt",
    "current_ampere",
    "step_count",
    "step_type",
    "quality",
)


@dataclass(frozen=True, slots=True)
class StepSpan:
    """A step as it ran: from ``begin_s`` to ``end_s`` of test time, with how it is shown."""

    begin_s: float
    end_s: float
    glyph: str
    word: str
    token: str


def _no_rows() -> Growing:
    return Growing(*["<f8"] * len(NAMES))


class WindowRows:
    """The rows in view of one run. ``want`` says what is in view, ``watch`` tells when there is more."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._watchers: list[Callable[[], None]] = []
        self._rows = _no_rows()
        self._held = (0, -1)
        self._wanted = (0, -1)
        self._outstanding = False
        self.run_id = ""
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"rows"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def show(self, run_id: str) -> None:
        """Show a run; what was held of another is forgotten."""
        if run_id != self.run_id:
            self.run_id, self._rows, self.trouble = run_id, _no_rows(), None
            self._held, self._wanted, self._outstanding = (0, -1), (0, -1), False

    @property
    def whole(self) -> bool:
        """Tell whether what is in view is held: only then are bands and crosses complete."""
        low, high = self._wanted
        return low <= high and self._held[0] <= low and high <= self._held[1]

    def want(self, first: int, last: int) -> None:
        """Say which rows (sequence) are in view; too many are not fetched."""
        self._wanted = (first, last)
        if last < first or last - first >= ROWS_MAX or not self.run_id:
            self._wanted = (0, -1)
            return
        if not self.whole and not self._outstanding and self._lab.link.live:
            self._outstanding = True
            self._asks.ask("runs.records", self.run_id, after=first - 1, limit=last - first + 1, columns=list(NAMES),
                           then=partial(self._take, self.run_id, first, last),
                           failed=partial(self._failed, self.run_id))  # fmt: skip

    def _take(self, run_id: str, first: int, last: int, answer: Any) -> None:
        if run_id != self.run_id:
            return
        self._outstanding, self.trouble = False, None
        found = columns_of(answer, NAMES)
        some = bool(found) and len(found["sequence"]) > 0  # a run may have none of these rows any more
        fetched = {name: np.asarray(found[name], dtype=np.float64) for name in NAMES} if some else {}
        behind = self._column("sequence") > last
        live = [self._column(name)[behind] for name in NAMES]
        if fetched:
            self._begin(fetched.values())
            self._held = (first, last)
            if len(live[0]) and live[0][0] <= last + 1:
                self._rows.append(*live)
                self._held = (first, int(live[0][-1]))
        self._tell()

    def _failed(self, run_id: str, trouble: Trouble) -> None:
        if run_id == self.run_id:
            self._outstanding, self.trouble = False, trouble
            self._tell()

    def _changed(self, places: frozenset[Place]) -> None:
        if ("rows", self.run_id) not in places:
            return
        for rows in self._lab.rows:
            if rows.run_id == self.run_id and len(rows) and set(NAMES) <= set(rows.columns):
                self._append(rows.columns)
        self._tell()

    def _append(self, columns: Mapping[str, Any]) -> None:
        sequence = np.asarray(columns["sequence"], dtype=np.float64)
        newest = self._column("sequence")[-1] if self._rows.size else -np.inf
        new = sequence > newest
        if not new.any():
            return
        fresh = [np.asarray(columns[name], dtype=np.float64)[new] for name in NAMES]
        first, last = int(fresh[0][0]), int(fresh[0][-1])
        if self._rows.size and first == self._held[1] + 1:
            self._rows.append(*fresh)
            if self._rows.size > ROWS_MAX + LIVE_MAX:
                self._rows.drop(self._rows.size - ROWS_MAX)
            self._held = (int(self._column("sequence")[0]), last)
        else:
            self._begin(fresh)
            self._held = (first, last)

    def _begin(self, columns: Iterable[Floats]) -> None:
        self._rows = _no_rows()
        self._rows.append(*columns)

    def _column(self, name: str) -> Floats:
        return self._rows.view(NAMES.index(name))

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    # -- what is shown ----------------------------------------------------------------------------------------------

    def spans(self) -> tuple[StepSpan, ...]:
        """Return the steps in view, in order; none while their rows are not held."""
        if not self.whole or not self._rows.size:
            return ()
        step, time_s, kind = (self._column(name) for name in ("step_count", "test_time_second", "step_type"))
        starts = np.flatnonzero(np.concatenate(([True], step[1:] != step[:-1])))
        ends = np.append(starts[1:], len(step) - 1)
        found = []
        for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
            code = int(kind[first])
            name = step_name(STEP_TYPE_NAMES[code]) if 0 <= code < len(STEP_TYPE_NAMES) else ""
            word = step_word(name)
            found.append(StepSpan(float(time_s[first]), float(time_s[last]), word.glyph.value, name or word.short,
                                  word.token.value))  # fmt: skip
        return tuple(found)

    def bad(self, column: str) -> tuple[Floats, Floats]:
        """Return the readings that are BAD: test time in s and the value as it was read. Shape (n,) each."""
        bad = (self._column("quality") != QUALITY_GOOD) & np.isfinite(self._column(column))
        return self._column("test_time_second")[bad], self._column(column)[bad]
