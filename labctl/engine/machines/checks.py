"""Judges whether a start may be sent: one line and one fix per item that fails (safety-and-faults section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labctl.engine.machines.limits import program_steps, tightest
from labctl.interfaces.cycler import STARTABLE, ChannelState, CyclerCapabilities, LiveReading
from labctl.model.cell import Cell, CellKind
from labctl.model.program import Limits, Program

STATE = "state"
"""The name of the check that a channel is free."""
DISK_FACTOR = 2
"""A start needs twice the estimated bytes: logs and sealed files of the running part exist side by side."""
OCV_NEAR_V = 0.050
OCV_WINDOW_V: dict[CellKind, tuple[float, float]] = {
    CellKind.SYMMETRIC: (-0.5, 0.5),  # 0 V at rest: no sign check, offsets and relaxation only
    CellKind.LTO_LI: (0.5, 3.4),  # 0.78 V at x = 0.99, 3.0 V at x = 0.01
    CellKind.LFP_LI: (2.0, 4.2),  # 2.72 V at x = 0.99, 3.52 V at x = 0.01, a charged cell relaxes from above
}
"""Open-circuit voltages that a cell of a class can show, from its OCV curve with room for relaxation."""
OCV_REST_V: dict[CellKind, float] = {
    CellKind.SYMMETRIC: 0.050,
    CellKind.LTO_LI: 0.500,  # the single-phase tail moves by this much on 2 % of charge
    CellKind.LFP_LI: 0.200,
}
"""How far the registered value may be off after a day of rest (largest of this and 50 mV is allowed)."""
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
) -> list[Refusal]:
    """Return every reason not to start; empty = start. Overridden items are left out (the caller journals them)."""
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
    found.extend(_open_circuit(program, cell, live))
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


def _open_circuit(program: Program, cell: Cell, live: LiveReading) -> list[Refusal]:
    voltage_V = live.voltage_V
    window = OCV_WINDOW_V.get(cell.kind)
    if not abs(voltage_V) < 1e3:  # also NaN
        return [
            Refusal(
                "ocv",
                f"Channel {program.channel} gives no voltage for the cell.",
                "Check that the cell sits in the holder.",
            )
        ]
    if window is not None and not window[0] <= voltage_V <= window[1]:
        return [
            Refusal(
                "ocv",
                f"{program.channel} reads {voltage_V:.3f} V; a {cell.kind} cell rests between {window[0]:g} V and "
                f"{window[1]:g} V.",
                "Check that this is the right cell, and its polarity.",
            )
        ]
    allowed_V = max(OCV_NEAR_V, OCV_REST_V.get(cell.kind, OCV_NEAR_V))
    if cell.ocv_V is not None and abs(voltage_V - cell.ocv_V) > allowed_V:
        return [
            Refusal(
                "ocv",
                f"{program.channel} reads {voltage_V:.3f} V; cell {cell.cell_id} is registered with "
                f"{cell.ocv_V:.3f} V.",
                "Check that this is the right cell, or correct the registered value.",
            )
        ]
    return []


def _ratings(
    program: Program, capabilities: CyclerCapabilities, channel_limits: Limits | None
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
