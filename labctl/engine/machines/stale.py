"""Tells when readings cannot be trusted: BAD for too long (F13), standing still (F14), or not coming at all
(I10).

On a device-driven cycler none of these stops anything: the device guards its own limits. They become alarms.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

import numpy as np

from labctl.engine.machines.findings import Finding, Priority
from labctl.model.record import QUALITY_BAD, RecordBlock
from labctl.model.units import SECONDS_PER_HOUR

FROZEN_ROWS = 60
"""So many equal rows in a row are a frozen reading: noise alone changes a live one within a few."""
BAD_POLLS = 3.0
BAD_MIN_S = 10.0
"""BAD for longer than max(3 T_poll, 10 s) on an energised channel is an alarm (safety-and-faults section
4).
"""
CAPACITY_TOLERANCE = 0.01
CAPACITY_FLOOR_AH = 1e-7
"""Current x time of a steady CC step agrees with the device's integral within 4 ppm (bts 4.2): 1 % is a fault."""
CLOCK_JUMP_S = 1.0
DEVICE_CLOCK_JUMP_S = 5.0
AGREE_POLLS = 3.0
AGREE_EXTRA_S = 5.0
"""Engine and device agree within 3 T_poll + 5 s of plant time, else the channel is UNKNOWN (I10)."""


class BadWatch:
    """Alarms when an energised channel delivers only BAD rows for too long; test time is the measure."""

    __slots__ = ("_alarmed", "_bound_s", "_since_s")

    def __init__(self, poll_s: float) -> None:
        self._bound_s = max(BAD_POLLS * poll_s, BAD_MIN_S)
        self._since_s: float | None = None
        self._alarmed = False

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next rows."""
        if self._since_s is None and not block["quality"].any():
            return []
        findings: list[Finding] = []
        bad = block["quality"] == QUALITY_BAD
        for row in np.flatnonzero(
            np.diff(bad, prepend=not bad[0])
        ).tolist():  # rows where the quality changes
            if not bad[row]:
                if self._alarmed:
                    findings.append(
                        Finding(
                            "reading.good",
                            Priority.EVENT,
                            "readings are good again",
                            int(block["sequence"][row]),
                        )
                    )
                self._since_s, self._alarmed = None, False
                continue
            if self._since_s is None:
                self._since_s = float(block["test_time_second"][row])
                findings.append(
                    Finding("reading.bad", Priority.EVENT, "BAD readings begin", int(block["sequence"][row]))
                )
            until = np.flatnonzero(~bad[row:])
            last = row + int(until[0]) - 1 if until.size else len(bad) - 1
            lasted_s = float(block["test_time_second"][last]) - self._since_s
            if lasted_s >= self._bound_s and not self._alarmed:
                self._alarmed = True
                findings.append(
                    Finding(
                        "reading.bad.long",
                        Priority.HIGH,
                        f"only BAD readings for {lasted_s:.0f} s",
                        int(block["sequence"][last]),
                        "Check the channel's leads and its tester; stop the run if you cannot trust it.",
                    )
                )
        return findings


class FrozenWatch:
    """Marks a reading that stands still in voltage **and** capacity outside of rest."""

    __slots__ = ("_capacity_Ah", "_length", "_reported", "_voltage_V")

    def __init__(self) -> None:
        self._length = 1
        self._voltage_V = float("nan")
        self._capacity_Ah = float("nan")
        self._reported = False

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next rows."""
        voltage, capacity = block["voltage_volt"], block["step_capacity_ah"]
        same = np.empty(len(block), dtype=bool)
        same[1:] = (voltage[1:] == voltage[:-1]) & (capacity[1:] == capacity[:-1])
        same[0] = voltage[0] == self._voltage_V and capacity[0] == self._capacity_Ah
        same &= block["step_type"] != 0
        self._voltage_V, self._capacity_Ah = float(voltage[-1]), float(capacity[-1])
        if not same.any():
            self._length, self._reported = 1, False
            return []
        findings: list[Finding] = []
        breaks = [-1, *np.flatnonzero(~same).tolist(), len(same)]
        for index in range(1, len(breaks)):  # runs of equal rows between the rows that differ
            run = breaks[index] - breaks[index - 1] - 1
            self._length += run
            if self._length >= FROZEN_ROWS and not self._reported:
                self._reported = True
                findings.append(
                    Finding(
                        "reading.frozen",
                        Priority.HIGH,
                        f"voltage and capacity have not changed for {self._length} rows: the reading is STALE",
                        int(block["sequence"][min(breaks[index], len(same) - 1)]),
                        "Look at the tester's own display; restart its controller if it does not follow.",
                    )
                )
            if breaks[index] < len(same):
                self._length, self._reported = 1, False
        return findings


class SilenceWatch:
    """Judges a link that is down or a test that gives no rows; told the plant time."""

    __slots__ = ("_bound_s", "_lost_s")

    def __init__(self, poll_s: float) -> None:
        self._bound_s = AGREE_POLLS * poll_s + AGREE_EXTRA_S
        self._lost_s: float | None = None

    @property
    def lost(self) -> bool:
        """Tell whether the link is down."""
        return self._lost_s is not None

    def lost_at(self, now_s: float) -> None:
        """Note the first failure of an outage."""
        if self._lost_s is None:
            self._lost_s = now_s

    def back(self) -> None:
        """Note that the instrument answers again."""
        self._lost_s = None

    def unknown(self, now_s: float) -> bool:
        """Tell whether the outage has lasted longer than I10 allows."""
        return self._lost_s is not None and now_s - self._lost_s > self._bound_s


class CapacityWatch:
    """Compares the device's step charge with current x time in CC steps (F12): one finding per step that differs."""

    __slots__ = ("_told_step",)

    def __init__(self) -> None:
        self._told_step = 0

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next rows."""
        kind = block["step_type"]
        with np.errstate(invalid="ignore"):  # BAD rows may hold infinities; they are left out below
            expected_Ah = np.abs(block["current_ampere"]) * block["step_time_second"] / SECONDS_PER_HOUR
            off_Ah = np.abs(block["step_capacity_ah"] - expected_Ah)
        wrong = (off_Ah > CAPACITY_TOLERANCE * expected_Ah + CAPACITY_FLOOR_AH) & (kind >= 1) & (kind <= 2)
        wrong &= block["quality"] != QUALITY_BAD
        if not wrong.any():
            return []
        row = int(np.flatnonzero(wrong)[0])
        step = int(block["step_count"][row])
        if step == self._told_step:
            return []
        self._told_step = step
        counter_Ah = float(block["step_capacity_ah"][row])
        text = (
            f"the device counts {counter_Ah * 1e3:.6g} mAh in this step, current x time gives "
            f"{float(expected_Ah[row]) * 1e3:.6g} mAh"
        )
        what = "Capacities and efficiencies of this cycle are in doubt; look at the tester."
        return [Finding("capacity.differs", Priority.MEDIUM, text, int(block["sequence"][row]), what)]


class ClockWatch:
    """Notes when the wall clock has been set: UTC moved against the monotonic clock (S8, F15). Changes nothing else."""

    __slots__ = ("_offset_s",)

    def __init__(self) -> None:
        self._offset_s: float | None = None

    def feed(self, utc_s: float, monotonic_s: float) -> float:
        """Take a pair of readings of the same moment; return by how many seconds UTC has jumped, 0 for not at all."""
        offset_s = utc_s - monotonic_s
        before_s, self._offset_s = self._offset_s, offset_s  # from poll to poll: a slow drift is no jump
        jumped_s = 0.0 if before_s is None else offset_s - before_s
        return jumped_s if abs(jumped_s) > CLOCK_JUMP_S else 0.0


class SleepWatch:
    """Notes when the computer was suspended: its boot-time clock ran on while its other clocks stood (S8, F16)."""

    __slots__ = ("_asleep_s",)

    def __init__(self, asleep_s: float) -> None:
        self._asleep_s = asleep_s

    def feed(self, asleep_s: float) -> float:
        """Take the whole time in suspension; return by how many seconds it has grown, 0 for nearly nothing."""
        before_s, self._asleep_s = self._asleep_s, asleep_s
        slept_s = asleep_s - before_s
        return slept_s if slept_s > CLOCK_JUMP_S else 0.0


class DeviceClockWatch:
    """Notes when the instrument's wall clock has been set: its texts moved against test time (F15, bts 1.4).

    Looks at the last row of each block only. Nothing depends on that clock; order and durations come from numbers.
    ``zone`` is that of the clock's texts: a summer time that begins or ends there is no clock that was set.
    """

    __slots__ = ("_offset_s", "_segment", "_zone")

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone or UTC
        self._segment = 0
        self._offset_s: float | None = None

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next rows; a clock text that cannot be read says nothing."""
        segment = int(block["segment"][-1])
        if segment != self._segment:  # test time stands still between segments
            self._segment, self._offset_s = segment, None
        try:
            clock = datetime.fromisoformat(bytes(block["device_clock"][-1]).decode("ascii"))
        except ValueError:
            return []
        before_s, time_s = self._offset_s, float(block["test_time_second"][-1])
        folds = (0,) if self._zone is UTC else (0, 1)
        offsets_s = [clock.replace(tzinfo=self._zone, fold=fold).timestamp() - time_s for fold in folds]
        nearest_s = (
            offsets_s[0] if before_s is None else before_s
        )  # an hour that comes twice: the one that fits
        self._offset_s = min(offsets_s, key=lambda offset_s: abs(offset_s - nearest_s))
        if before_s is None or abs(self._offset_s - before_s) <= DEVICE_CLOCK_JUMP_S:
            return []
        text = f"the instrument's clock moved by {self._offset_s - before_s:+.0f} s against test time"
        return [Finding("device.clock", Priority.EVENT, text, int(block["sequence"][0]))]
