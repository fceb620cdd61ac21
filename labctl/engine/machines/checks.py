"""Judges whether a start may be sent: one line and one fix per item that fails (safety-and-faults section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from labctl.engine.machines.limits import program_steps, tightest
from labctl.interfaces.cycler import STARTABLE, ChannelState, CyclerCapabilities, LiveReading
from labctl.model.cell import Cell
from labctl.model.layers import CellClass, class_of
from labctl.model.program import Limits, Program

STATE = "state"
"""The name of the check that a channel is free."""
DISK_FACTOR = 2
"""A start needs twice the estimated bytes: logs and sealed files of the running part exist side by side."""
OCV_NEAR_V = 0.050
"""How far the registered voltage may always be off; a class of cells may allow more after a day of rest."""
SHORTED_V = 0.020
"""A cell that has a voltage of its own and shows less is shorted, or no cell."""
RANGE_SLACK = 1.0 + 1e-9


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to start; ``item`` is the name an override would use."""

    item: str
    text: str
    fix: str

    def __str__(self) -> str:
        return f"{self.text} {self.fix}"


def state_refusal(program: Program, state: ChannelState) -> Refusal | None:
    """Return why a channel in this state cannot be started, None where it can."""
    if state in STARTABLE:
        return None
    fix = "Wait for its test to end, or stop that first."
    if state is ChannelState.ABSENT:
        fix = "Choose a channel that the instrument has."
    return Refusal(STATE, f"Channel {program.channel} is {state}, so it cannot be started.", fix)


def start_refusals(
    program: Program,
    cell: Cell,
    live: LiveReading,
    capabilities: CyclerCapabilities,
    channel_limits: Limits | None,
    free_bytes: int,
    overrides: Mapping[str, str],
    *,
    classes: Mapping[str, CellClass] | None = None,
    loaded: str | None = None,
) -> list[Refusal]:
    """Return every reason not to start; empty = start. Overridden items are left out (the caller journals them).

    ``channel_limits`` are the tightest of the station file's layers for this channel and cell. ``classes`` are the
    station's (None: as shipped) and say what a cell shows at rest. ``loaded`` is the cell that a person has loaded
    into the channel, empty for none, None where nobody keeps track.
    """
    found: list[Refusal] = []
    busy = state_refusal(program, live.state)
    if busy is not None:
        found.append(busy)
    if cell.cell_id != program.cell.cell_id:
        found.append(
            Refusal(
                "cell",
                f"The program was bound to cell {program.cell.cell_id}, not to {cell.cell_id}.",
                "Bind the protocol to this cell again.",
            )
        )
    if loaded is not None and loaded != cell.cell_id:
        there = f"holds cell {loaded}" if loaded else "holds no cell as far as is known"
        found.append(
            Refusal(
                "loaded",
                f"{program.channel} {there}, not {cell.cell_id}.",
                f"Load the cell with: labctl channel load {program.channel} {cell.cell_id}",
            )
        )
    kind = class_of(cell.kind.value, classes)
    found.extend(_open_circuit(program, cell, live, kind))
    found.extend(_ratings(program, capabilities, channel_limits))
    need = DISK_FACTOR * program.estimate.bytes_on_disk
    if free_bytes < need:
        found.append(
            Refusal(
                "disk",
                f"The run may need {need / 1e6:.0f} MB, the disk has {free_bytes / 1e6:.0f} MB free.",
                "Free some room or name another data root with --data.",
            )
        )
    return [item for item in found if item.item not in overrides]


def as_it_is_now(cell: Cell, *, has_run: bool) -> Cell:
    """Return a cell as the checks before a start compare it: once it has run, its registered voltage says nothing.

    The registered open-circuit voltage is that of the day on which the cell was made or measured. A run leaves the cell
    at another one, and it relaxes for hours after the current has stopped. What holds for every start is the window of
    its class, so that a cell that sits turned round, is shorted or is of another kind is refused all the same, and that
    the cell which a person has loaded is the one that the job names.
    """
    return replace(cell, ocv_V=None) if has_run else cell


def _open_circuit(program: Program, cell: Cell, live: LiveReading, kind: CellClass) -> list[Refusal]:
    """Check what the cell shows at rest: that it is there, whole, the right way round, and the one registered."""
    voltage_V, channel = live.voltage_V, program.channel
    if not abs(voltage_V) < 1e3:  # also NaN
        text = f"Channel {channel} gives no voltage for the cell."
        return [Refusal("ocv", text, "Check that the cell sits in the holder.")]
    low_V, high_V = kind.rest_min_V, kind.rest_max_V
    rests = f"{channel} reads {voltage_V:.3f} V"
    if low_V is not None and high_V is not None and not low_V <= voltage_V <= high_V:
        own = low_V > 0.0 or high_V < 0.0  # a class that has a sign
        if own and low_V <= -voltage_V <= high_V:
            text = f"{rests}; a {cell.kind} cell rests between {low_V:g} V and {high_V:g} V: it sits turned round."
            return [Refusal("polarity", text, "Turn the cell round in its holder.")]
        if own and abs(voltage_V) < SHORTED_V:
            text = f"{rests}; a {cell.kind} cell rests above {low_V:g} V: it is shorted, or another cell, or none."
            return [Refusal("short", text, "Measure the cell by hand before you use it.")]
        text = f"{rests}; a {cell.kind} cell rests between {low_V:g} V and {high_V:g} V."
        return [Refusal("ocv", text, "Check that this is the right cell, and its polarity.")]
    allowed_V = max(OCV_NEAR_V, kind.rest_drift_V)
    if cell.ocv_V is not None and abs(voltage_V - cell.ocv_V) > allowed_V:
        text = f"{rests}; cell {cell.cell_id} is registered with {cell.ocv_V:.3f} V."
        return [Refusal("ocv", text, "Check that this is the right cell, or correct the registered value.")]
    return []


def _ratings(
    program: Program,
    capabilities: CyclerCapabilities,
    channel_limits: Limits | None,
) -> list[Refusal]:
    """Check what bind() checked, against the channel as it is now: the station file may have changed since."""
    found: list[Refusal] = []
    largest_A = max((item.full_scale_A for item in capabilities.ranges), default=0.0)
    rating = Limits(
        voltage_min_V=capabilities.voltage_min_V,
        voltage_max_V=capabilities.voltage_max_V,
        current_max_A=largest_A,
    )
    allowed = tightest((rating, channel_limits))
    for step in program_steps(program.flow):
        current_A = abs(step.current_A or 0.0)
        if allowed.current_max_A is not None and current_A > allowed.current_max_A * RANGE_SLACK:
            found.append(
                Refusal(
                    "range",
                    f"Step {step.step_id} drives {current_A * 1e3:.6g} mA, {program.channel} allows "
                    f"{allowed.current_max_A * 1e3:.6g} mA.",
                    "Choose another channel or a smaller current.",
                )
            )
        if step.mode not in capabilities.modes:
            found.append(
                Refusal(
                    "mode",
                    f"Step {step.step_id} is {step.mode}, which {capabilities.model} cannot do.",
                    "Choose another channel.",
                )
            )
    lowest_V, highest_V = allowed.voltage_min_V, allowed.voltage_max_V
    own = program.limits
    if (
        highest_V is not None
        and own.voltage_max_V is not None
        and own.voltage_max_V > highest_V * RANGE_SLACK
    ):
        found.append(
            Refusal(
                "limits",
                f"The program allows {own.voltage_max_V:g} V, {program.channel} only {highest_V:g} V.",
                "Tighten 'safety' in the protocol.",
            )
        )
    if (
        lowest_V is not None
        and own.voltage_min_V is not None
        and own.voltage_min_V < lowest_V * RANGE_SLACK - 1e-9
    ):
        found.append(
            Refusal(
                "limits",
                f"The program allows {own.voltage_min_V:g} V, {program.channel} only {lowest_V:g} V.",
                "Tighten 'safety' in the protocol.",
            )
        )
    return found
