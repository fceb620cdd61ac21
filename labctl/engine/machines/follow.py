"""Turns what the device says about its tests into rows of the run.

Device rows carry the device's own counts, which begin again in every test. The run's sequence, test time,
cycle and step counts go on over the segments; the device's are kept beside them. The conversion is exact
whatever the blocks are cut like: times are summed as whole microseconds, so ``test_time`` of a row never
depends on where a page ended.

Checked here, before anything is stored: I02 and I03 (device sequence gap-free and without overlap, test
time never falling), I04 (a row that cannot have come from this program is refused, a value that cannot be
true is BAD).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.errors import InvariantError
from labctl.model.record import QUALITY_BAD, DeviceBlock, RecordBlock

US_PER_S = 1_000_000
STEP_TIME_MAX_S = 366 * 86400.0
"""No step lasts longer (the devices' own bound is 365 days): a larger step time is a sentinel, not a time."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands after its last row; everything that the next row's counts depend on.

    ``base_us`` is the test time at which the present step began. ``device_sequence`` 0 = no row of this
    segment yet.
    """

    segment: int = 0
    sequence: int = 0
    step_count: int = 0
    cycle_offset: int = 0
    cycle_count: int = 1
    base_us: int = 0
    step_time_us: int = 0
    device_sequence: int = 0
    device_step: int = 0
    device_cycle: int = 0

    @property
    def test_time_s(self) -> float:
        """Return the run's test time at the last row."""
        return (self.base_us + self.step_time_us) / US_PER_S

    def next_segment(self, jumps: int) -> Position:
        """Return the position before the first row of a new device test.

        ``jumps``: how often the host jumped back to get there; the run's cycle goes up by as many, as a device
        loop's would.
        """
        first_cycle = self.cycle_count + jumps
        return replace(
            self,
            segment=self.segment + 1,
            cycle_offset=first_cycle - 1,
            cycle_count=first_cycle,
            base_us=self.base_us + self.step_time_us,
            step_time_us=0,
            device_sequence=0,
            device_step=0,
            device_cycle=0,
        )


@dataclass(frozen=True, slots=True)
class Plausible:
    """Readings beyond these magnitudes are not readings (sentinels, overflow): they are marked BAD (F13)."""

    voltage_V: float = 1000.0
    current_A: float = 1000.0


class Follower:
    """Follows one run; ``block`` is the whole work. Resumable: give it the position of the last stored row."""

    __slots__ = ("_plausible", "_step_ids", "counter_resets", "position")

    def __init__(self, position: Position, step_ids: tuple[int, ...], plausible: Plausible) -> None:
        self.position = position
        self._step_ids = np.asarray((0, *step_ids), dtype="<i4")
        self._plausible = plausible
        self.counter_resets: list[int] = []
        """Run sequences at which the device's cycle counter fell; emptied by the reader (F11)."""

    def block(self, device: DeviceBlock) -> RecordBlock:
        """Convert the next rows. Needs at least one; moves the position only when all rows are good to store.

        Raises: InvariantError I02/I03/I04; the position is then unchanged and the rows may be asked for
        again.
        """
        at = self.position
        count = len(device)
        sequence = device["device_sequence"]
        self._check_sequence(sequence, at)
        steps, cycles = device["device_step"], device["device_cycle"]
        self._check_places(steps, cycles)
        time_us, bad_time = _whole_us(device["step_time_second"], at.step_time_us)
        step_count, base_us = _steps_of(steps, cycles, time_us, at)
        cycle_count, cycle_offset = self._run_cycles(cycles, at)
        first = at.sequence + 1
        quality = self._quality(device, bad_time)
        columns: dict[str, NDArray[Any]] = {
            "sequence": np.arange(first, first + count, dtype="<i8"),
            "test_time_second": (base_us + time_us) / US_PER_S,
            "voltage_volt": device["voltage_volt"],
            "current_ampere": device["current_ampere"],
            "cycle_count": cycle_count,
            "step_count": step_count.astype("<i4", copy=False),
            "step_id": self._step_ids[steps],
            "step_type": device["step_type"],
            "step_time_second": device["step_time_second"],
            "step_capacity_ah": device["step_capacity_ah"],
            "step_energy_wh": device["step_energy_wh"],
            "segment": np.full(count, at.segment, dtype="<i4"),
            "device_sequence": sequence,
            "device_step": steps,
            "device_cycle": cycles,
            "quality": quality,
            "device_clock": device["device_clock"],
        }
        self.position = replace(
            at,
            sequence=at.sequence + count,
            step_count=int(step_count[-1]),
            cycle_offset=cycle_offset,
            cycle_count=int(cycle_count[-1]),
            base_us=int(base_us[-1]),
            step_time_us=int(time_us[-1]),
            device_sequence=int(sequence[-1]),
            device_step=int(steps[-1]),
            device_cycle=int(cycles[-1]),
        )
        return RecordBlock(columns)

    def accept_gap(self, first_available: int) -> int:
        """Agree that the device lost the rows before ``first_available`` (F10); return how many they are.

        The run's sequence goes on without a hole; the device's shows it. The caller writes the gap record.
        """
        lost = first_available - self.position.device_sequence - 1
        if lost < 1:
            raise InvariantError("I02", f"no gap before device row {first_available}")
        self.position = replace(self.position, device_sequence=first_available - 1)
        return lost

    def _check_sequence(self, sequence: NDArray[Any], at: Position) -> None:
        expected = at.device_sequence + 1
        if int(sequence[0]) != expected:
            raise InvariantError(
                "I02" if int(sequence[0]) < expected else "I04",
                f"device rows begin at {int(sequence[0])}, the next one is {expected}",
            )
        if not bool(np.all(sequence[1:] - sequence[:-1] == 1)):
            raise InvariantError("I03", f"device rows after {expected} are not numbered one by one")

    def _check_places(self, steps: NDArray[Any], cycles: NDArray[Any]) -> None:
        if int(steps.min()) < 1 or int(steps.max()) >= len(self._step_ids) or int(cycles.min()) < 1:
            raise InvariantError(
                "I04",
                f"rows name device steps {int(steps.min())} to {int(steps.max())} and cycles from "
                f"{int(cycles.min())}, the program on the device has steps 1 to {len(self._step_ids) - 1}",
            )

    def _run_cycles(self, cycles: NDArray[Any], at: Position) -> tuple[NDArray[Any], int]:
        """Return the run's cycle of each row and the offset behind the last: a fall of the counter is no
        fall of ours.
        """
        before = at.device_cycle if at.device_sequence else int(cycles[0])
        if int(cycles[0]) >= before and not bool(np.any(cycles[1:] < cycles[:-1])):
            return (at.cycle_offset + cycles).astype("<i4", copy=False), at.cycle_offset
        offset = at.cycle_offset
        run = np.empty(len(cycles), dtype="<i4")
        for index, value in enumerate(cycles.tolist()):  # only where a counter was reset: rare and short
            if value < before:
                offset += before - value
                self.counter_resets.append(at.sequence + 1 + index)
            run[index] = offset + value
            before = value
        return run, offset

    def _quality(self, device: DeviceBlock, bad_time: NDArray[Any] | None) -> NDArray[Any]:
        voltage, current = device["voltage_volt"], device["current_ampere"]
        capacity, energy = device["step_capacity_ah"], device["step_energy_wh"]
        # not (x <= limit) is also true for NaN
        bad = ~(
            (np.abs(voltage) <= self._plausible.voltage_V) & (np.abs(current) <= self._plausible.current_A)
        )
        bad |= ~(np.isfinite(capacity) & np.isfinite(energy))
        if bad_time is not None:
            bad |= bad_time
        if not bad.any():
            return device["quality"]
        quality = device["quality"].copy()
        quality[bad] = QUALITY_BAD
        return quality


def _steps_of(
    steps: NDArray[Any], cycles: NDArray[Any], time_us: NDArray[Any], at: Position
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each row's executed step and the test time at which that step began, in microseconds.

    A step begins where the device's step or cycle changes or its step time falls.
    """
    count = len(steps)
    begins = np.empty(count, dtype=bool)
    np.not_equal(steps[1:], steps[:-1], out=begins[1:])
    begins[1:] |= cycles[1:] != cycles[:-1]
    begins[1:] |= time_us[1:] < time_us[:-1]
    begins[0] = bool(
        at.device_sequence == 0
        or steps[0] != at.device_step
        or cycles[0] != at.device_cycle
        or time_us[0] < at.step_time_us
    )
    marks = np.flatnonzero(begins)
    if marks.size:
        step_count = at.step_count + np.cumsum(begins, dtype="<i4")
        ended_us = np.zeros(count, dtype="<i8")
        ended_us[marks] = time_us[marks - 1]  # marks[0] == 0 reads the last row, corrected on the next line
        if marks[0] == 0:
            ended_us[0] = at.step_time_us
        base_us = at.base_us + np.cumsum(ended_us)
    else:
        step_count = np.full(count, at.step_count, dtype="<i4")
        base_us = np.full(count, at.base_us, dtype="<i8")
    return step_count, base_us


def _whole_us(step_time_s: NDArray[Any], last_us: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return step times as whole microseconds; a row without a believable time stands where the row before
    stood.
    """
    good = (step_time_s >= 0.0) & (step_time_s <= STEP_TIME_MAX_S)
    if good.all():
        return np.rint(step_time_s * US_PER_S).astype("<i8"), None
    time_us = np.empty(len(step_time_s), dtype="<i8")
    for index, value in enumerate(step_time_s.tolist()):
        if good[index]:
            last_us = round(value * US_PER_S)
        time_us[index] = last_us
    return time_us, ~good


def position_after(block: RecordBlock) -> Position:
    """Find the position after the last of a run's stored rows.

    ``block`` is any tail of them; one row is enough unless its step time is BAD, then the last row of the
    same step with a good one is looked for.
    """
    row = len(block) - 1
    if row < 0:
        return Position()
    good = np.flatnonzero((block["step_time_second"] >= 0.0) & (block["step_time_second"] <= STEP_TIME_MAX_S))
    last_us = round(float(block["test_time_second"][row]) * US_PER_S)
    base_us, step_us = last_us, 0
    if good.size and int(block["step_count"][good[-1]]) == int(block["step_count"][row]):
        step_us = round(float(block["step_time_second"][good[-1]]) * US_PER_S)
        base_us = round(float(block["test_time_second"][good[-1]]) * US_PER_S) - step_us
    return Position(
        segment=int(block["segment"][row]),
        sequence=int(block["sequence"][row]),
        step_count=int(block["step_count"][row]),
        cycle_offset=int(block["cycle_count"][row]) - int(block["device_cycle"][row]),
        cycle_count=int(block["cycle_count"][row]),
        base_us=base_us,
        step_time_us=step_us,
        device_sequence=int(block["device_sequence"][row]),
        device_step=int(block["device_step"][row]),
        device_cycle=int(block["device_cycle"][row]),
    )
