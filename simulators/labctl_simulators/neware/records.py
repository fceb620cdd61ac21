"""Keep the records, executed steps and log of one device test, and write them as reply rows.

Records are planned ahead, a chunk at a time; a record exists for a reader once its moment has come, so a read
only slices. Source: neware-bts 2.6 to 2.8 (rows), 4.1 (fields), 4.2 (which records exist).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.neware.wire import number15, point_exponents

Ticks = NDArray[np.int64]
Floats = NDArray[np.float64]

MS_PER_TICK = 100
_COLUMNS = ("tick", "step_tick", "volt_V", "curr_A", "cap_Ah", "eng_Wh")
_GROWTH = 1.5


@dataclass(slots=True)
class Stretch:
    """Consecutive records of one executed step; ``start`` is the index (from 0) of the first of them."""

    start: int
    step_index: int
    step_id: int
    cycle: int
    word: str


@dataclass(slots=True)
class ExecutedStep:
    """One row of the step layer; ``end_tick`` None while it is in progress."""

    step_index: int
    step_id: int
    cycle: int
    word: str
    start: int
    start_tick: int
    end: int | None = None
    end_tick: int | None = None
    step_ticks: int | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log row; ``level`` 0 is a test-level event, 1 a step event."""

    tick: int
    code: int
    level: int


class WallClock:
    """Turn plant ticks into the wall clock strings of the BTS PC; clock jumps shift what follows them."""

    def __init__(self, epoch_unix_s: float, utc_offset_s: float = 0.0) -> None:
        self._epoch_s = round(epoch_unix_s + utc_offset_s)
        self._jump_ticks: list[int] = []
        self._offsets_s: list[int] = [0]
        self._days: dict[int, str] = {}
        self._minutes = [f" {hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
        self._seconds = [f"{second:02}" for second in range(60)]

    def jump(self, tick: int, shift_s: int) -> None:
        """Shift the clock from a tick on, as a correction of the PC's clock does (neware-bts 1.4)."""
        self._jump_ticks.append(tick)
        self._offsets_s.append(self._offsets_s[-1] + shift_s)

    def texts(self, ticks: Ticks) -> list[str]:
        """Return ``YYYY-MM-DD hh:mm:ss`` for each tick."""
        seconds = ticks // 10 + self._epoch_s
        if self._jump_ticks:
            places = np.searchsorted(np.asarray(self._jump_ticks), ticks, side="left")
            seconds = seconds + np.asarray(self._offsets_s)[places]
        days, rest = np.divmod(seconds, 86400)
        minutes, second = np.divmod(rest, 60)
        first, last = int(days[0]), int(days[-1])
        hm, ss = self._minutes, self._seconds
        if first == last and not self._jump_ticks:
            day = self._day(first)
            return [day + hm[m] + ss[s] for m, s in zip(minutes.tolist(), second.tolist(), strict=True)]
        return [
            self._day(d) + hm[m] + ss[s]
            for d, m, s in zip(days.tolist(), minutes.tolist(), second.tolist(), strict=True)
        ]

    def text(self, tick: int) -> str:
        """Return one wall clock string."""
        return self.texts(np.asarray([tick], dtype=np.int64))[0]

    def _day(self, number: int) -> str:
        known = self._days.get(number)
        if known is None:
            known = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=number)).strftime("%Y-%m-%d")
            self._days[number] = known
        return known


@dataclass(slots=True)
class TestRecords:
    """Everything that one test id holds. Ticks are plant ticks of 0.1 s; arrays grow by half when full."""

    __test__ = False  # not a pytest class

    test_id: int
    barcode: str = ""
    start_tick: int = 0
    count: int = 0
    over_tick: int | None = None
    stretches: list[Stretch] = field(default_factory=list)
    steps: list[ExecutedStep] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def append(self, block: Mapping[str, NDArray[Any]]) -> None:
        """Append planned records; keys are tick, step_tick, volt_V, curr_A, cap_Ah, eng_Wh."""
        size = len(block["tick"])
        if not size:
            return
        if not self.columns:
            self.columns = {
                name: np.zeros(1024, dtype=np.int64 if name.endswith("tick") else np.float64)
                for name in _COLUMNS
            }
        needed = self.count + size
        if needed > len(self.columns["tick"]):
            capacity = max(needed, int(len(self.columns["tick"]) * _GROWTH))
            for name in _COLUMNS:
                grown = np.zeros(capacity, dtype=self.columns[name].dtype)
                grown[: self.count] = self.columns[name][: self.count]
                self.columns[name] = grown
        for name in _COLUMNS:
            self.columns[name][self.count : needed] = block[name]
        self.count = needed

    def truncate(self, tick: int) -> None:
        """Forget planned records later than a tick."""
        self.count = self.visible(tick)

    def visible(self, tick: int) -> int:
        """Return how many records exist at a tick."""
        if not self.count:
            return 0
        ticks = self.columns["tick"]
        if ticks[self.count - 1] <= tick:
            return self.count
        return int(np.searchsorted(ticks[: self.count], tick, side="right"))

    def last(self, name: str) -> float:
        """Return the last planned value of a column."""
        return float(self.columns[name][self.count - 1])

    def begin_step(self, step_id: int, cycle: int, word: str, tick: int) -> None:
        """Open an executed step and its first stretch of records."""
        index = len(self.steps) + 1
        self.steps.append(ExecutedStep(index, step_id, cycle, word, self.count, tick))
        self.begin_stretch(index, step_id, cycle, word)

    def begin_stretch(self, index: int, step_id: int, cycle: int, word: str) -> None:
        """Open a stretch: records from here on carry these step and cycle numbers."""
        if self.stretches and self.stretches[-1].start == self.count:
            self.stretches.pop()
        self.stretches.append(Stretch(self.count, index, step_id, cycle, word))

    def end_step(self, tick: int, step_ticks: int) -> None:
        """Close the executed step at a tick."""
        step = self.steps[-1]
        step.end, step.end_tick, step.step_ticks = self.count, tick, step_ticks


def raise_if_outside(start: int, stop: int, count: int) -> None:
    """Check our own slice bounds.

    Raises: IndexError when they are outside the planned records (a bug of the caller).
    """
    if not 0 <= start <= stop <= count:
        raise IndexError(f"records {start} to {stop} of {count}")


def record_rows(
    test: TestRecords, start: int, stop: int, clock: WallClock, extra: str = ""
) -> tuple[str, int]:
    """Write records ``start`` to ``stop`` (indices from 0, stop excluded) as reply lines.

    Returns the lines joined by CR LF, and their number (lost records leave a gap, fault F10).
    """
    raise_if_outside(start, stop, test.count)
    parts: list[str] = []
    rows = 0
    starts = [stretch.start for stretch in test.stretches]
    position = start
    while position < stop:
        place = bisect_right(starts, position) - 1
        end = min(stop, starts[place + 1] if place + 1 < len(starts) else stop)
        for low, high in _present(test.lost, position, end):
            parts.append(_stretch_rows(test, test.stretches[place], low, high, clock, extra))
            rows += high - low
        position = end
    return point_exponents("\r\n".join(parts)), rows


def _present(lost: Sequence[tuple[int, int]], start: int, stop: int) -> list[tuple[int, int]]:
    pieces = [(start, stop)]
    for first, last in lost:
        cut: list[tuple[int, int]] = []
        for low, high in pieces:
            cut += [(low, min(high, first)), (max(low, last), high)]
        pieces = [(low, high) for low, high in cut if low < high]
    return pieces


def _stretch_rows(
    test: TestRecords, stretch: Stretch, start: int, stop: int, clock: WallClock, extra: str
) -> str:
    inside = slice(start, stop)
    template = (
        f'    <data seqid="%d" stepid="{stretch.step_id}" cycleid="{stretch.cycle}" '
        f'steptype="{stretch.word}" testtime="%d" atime="%s" volt="%.15G" curr="%.15G" cap="%.15G" '
        f'eng="%.15G"{extra} />'
    )
    columns = test.columns
    rows = zip(
        range(start + 1, stop + 1),
        (columns["step_tick"][inside] * MS_PER_TICK).tolist(),
        clock.texts(np.asarray(columns["tick"][inside], dtype=np.int64)),
        columns["volt_V"][inside].tolist(),
        columns["curr_A"][inside].tolist(),
        columns["cap_Ah"][inside].tolist(),
        columns["eng_Wh"][inside].tolist(),
        strict=True,
    )
    return "\r\n".join([template % row for row in rows])


def step_rows(test: TestRecords, tick: int, clock: WallClock) -> list[list[tuple[str, str]]]:
    """Return the attributes of the step layer's rows; the step in progress comes with its values so far."""
    rows = []
    visible = test.visible(tick)
    for step in test.steps:
        if step.start_tick > tick or step.start >= visible:
            break
        over = step.end_tick is not None and step.end_tick <= tick and step.end is not None
        end = min(visible, step.end if over and step.end is not None else visible)
        rows.append(_step_row(test, step, end, clock, step.step_ticks if over else None))
    return rows


def _step_row(
    test: TestRecords, step: ExecutedStep, end: int, clock: WallClock, step_ticks: int | None
) -> list[tuple[str, str]]:
    columns = test.columns
    last = end - 1
    ticks = int(columns["step_tick"][last]) if step_ticks is None else step_ticks
    return [
        ("startseqid", str(step.start + 1)),
        ("endseqid", str(end)),
        ("stepindex", str(step.step_index)),
        ("stepid", str(step.step_id)),
        ("cycleid", str(step.cycle)),
        ("steptype", step.word),
        ("steptime", str(ticks * MS_PER_TICK)),
        ("endatime", clock.text(int(columns["tick"][last]))),
        ("startvolt", number15(float(columns["volt_V"][step.start]))),
        ("endvolt", number15(float(columns["volt_V"][last]))),
        ("startcurr", number15(float(columns["curr_A"][step.start]))),
        ("endcurr", number15(float(columns["curr_A"][last]))),
        ("cap", number15(float(columns["cap_Ah"][last]))),
        ("eng", number15(float(columns["eng_Wh"][last]))),
        ("dcir", "0"),
    ]


LOG_ROWS_MAX = 5000  # neware-bts 2.8


def log_rows(test: TestRecords, tick: int, level: int, clock: WallClock) -> list[list[tuple[str, str]]]:
    """Return the attributes of the log's rows up to a tick, filtered by level, numbered from 1."""
    shown = [entry for entry in test.log if entry.tick <= tick and entry.level <= level][:LOG_ROWS_MAX]
    return [
        [("seqid", str(number)), ("log_code", str(entry.code)), ("atime", clock.text(entry.tick))]
        for number, entry in enumerate(shown, start=1)
    ]
