"""Bind a protocol to one cell and one channel: intent becomes a ``Program`` of absolute SI numbers.

Everything that stands against running it is collected and raised at once (``ProgramError``); everything that is merely
unwise travels in ``Program.warnings``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from labctl.errors import ProgramError
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.cell import Cell, CellKind
from labctl.model.handover import PotentiostatFacts
from labctl.model.ids import ChannelId
from labctl.model.layers import CellClass, LimitOverride
from labctl.model.program import (
    CellFacts,
    Detection,
    DetectionKind,
    HostIf,
    HostRepeat,
    Limits,
    Program,
    TemperatureDemand,
)
from labctl.model.protocol import (
    Ask,
    Branch,
    Direction,
    Drive,
    Handover,
    Hold,
    Impedance,
    Parallel,
    Protocol,
    ProtocolNode,
    RecordIntent,
    Repeat,
    Rest,
    TemperatureIntent,
)
from labctl.protocol.bind_steps import StepBinder
from labctl.protocol.check import all_nodes, check_protocol, place_of
from labctl.protocol.document import protocol_hash
from labctl.protocol.estimate import DECISION_INTERVAL_S, estimate, hurried_repeats
from labctl.protocol.limits import intent_limits, looser, parents_of, tightest, warn_limits
from labctl.protocol.parse import with_variables
from labctl.protocol.quantities import base_value, format_quantity, quantity, readable_time
from labctl.protocol.resolve import Resolver
from labctl.protocol.segments import BoundNode, Cutter
from labctl.protocol.spectroscopy import bind_impedance

ROOM_DEGC = (15.0, 30.0)
"""Set points in this window may be left to the room when a channel has no chamber; others may not."""
DEFAULT_RECORD = RecordIntent(every=quantity(10, "s"), voltage_change=quantity(5, "mV"))
"""Used where a protocol says nothing: the rule that the shipped protocols assume as well."""

_LATER = {
    Ask: ("'ask' needs the station's operator view", "questions come with the station release"),
    Handover: (
        "'handover' needs a second instrument on the station",
        "handover comes with the station release",
    ),
    Parallel: (
        "'parallel' needs a second instrument on the station",
        "parallel branches come with the station release",
    ),
}


def bind(
    protocol: Protocol,
    cell: Cell,
    channel: ChannelId,
    capabilities: CyclerCapabilities,
    *,
    variables: Mapping[str, str] | None = None,
    channel_limits: Limits | None = None,
    has_chamber: bool = False,
    classes: Mapping[str, CellClass] | None = None,
    override: LimitOverride | None = None,
    potentiostats: Sequence[PotentiostatFacts] = (),
    spectra: bool = True,
) -> Program:
    """Return the program of ``protocol`` for ``cell`` on ``channel``; ``potentiostats`` are those of the station.

    Without ``spectra`` they are left out, for a twin that has a cycler alone.

    Raises: ProgramError with one sentence per finding; UserFileError or UserInputError for a variable's value.
    """
    chosen = dict(variables or {})
    protocol = with_variables(protocol, chosen)
    sense = check_protocol(protocol)
    findings = [str(finding) for finding in sense if finding.is_error]
    warnings = [str(finding) for finding in sense if not finding.is_error]
    _check_kind(protocol, cell, findings, warnings)
    resolver = Resolver(cell, findings)
    parents = parents_of(cell, capabilities, channel_limits, classes, override)
    limits = _limits(protocol, parents, resolver, findings)
    warn = warn_limits(protocol.safety, limits, resolver, "safety: ", findings)
    if override is not None:
        warnings.append(
            f"limits of {channel} are loosened by {override.by} until {override.until_utc}: {override.reason}."
        )
    nominal_mAh = cell.effective_capacity_mAh
    nominal_Ah = None if nominal_mAh is None else nominal_mAh / 1000.0
    steps = StepBinder(resolver, capabilities, limits, nominal_Ah, findings, warnings)
    record_intent = protocol.record if protocol.record != RecordIntent() else DEFAULT_RECORD
    record = steps.record(record_intent, "record: ")
    cutter = Cutter(capabilities, findings, warnings)
    flow = cutter.flow(
        _Flow(steps, cutter, channel, potentiostats if spectra else None, findings).bound(protocol.steps)
    )
    temperature = _temperature(protocol.temperature, cell, limits, has_chamber, findings, warnings)
    detections = _detections(protocol, cell, findings)
    for seconds in hurried_repeats(flow, record, nominal_Ah):
        warnings.append(
            f"the host decides about every {readable_time(round(seconds))}; more often than every "
            f"{readable_time(DECISION_INTERVAL_S)} leaves the cell at open circuit too often: put more "
            "steps into a pass."
        )
    if findings:
        raise ProgramError(findings)
    return Program(
        protocol_name=protocol.name,
        protocol_hash=protocol_hash(protocol),
        cell=_facts(protocol, cell, nominal_Ah),
        channel=channel,
        flow=flow,
        record=record,
        limits=limits,
        estimate=estimate(flow, record, nominal_Ah),
        detections=detections,
        temperature=temperature,
        warnings=tuple(dict.fromkeys(warnings)),
        warn=warn,
        variables={
            variable.name: chosen.get(variable.name, variable.default) for variable in protocol.variables
        },
    )


def _check_kind(protocol: Protocol, cell: Cell, findings: list[str], warnings: list[str]) -> None:
    if not protocol.for_kinds or cell.kind in protocol.for_kinds:
        return
    kinds = " or ".join(kind.value for kind in protocol.for_kinds)
    sentence = (
        f"the protocol is for {kinds} cells, but cell {cell.cell_id} is registered as '{cell.kind.value}'"
    )
    if cell.kind is CellKind.OTHER:
        warnings.append(f"{sentence}: make sure that it fits.")
    else:
        findings.append(f"{sentence}: choose another protocol, or correct the cell's 'kind'.")


def _limits(
    protocol: Protocol, parents: list[tuple[str, Limits]], resolver: Resolver, findings: list[str]
) -> Limits:
    """Return the tightest of L1 to L4. Findings grow where the protocol is looser than what stands above it."""
    above = [limits for _, limits in parents]
    own = intent_limits(protocol.safety, resolver, "safety: ")
    for phrase in looser(own, tightest(above)):
        findings.append(
            f"safety: {phrase} (tightest of device, channel, cell class and cell); tighten it in the protocol, "
            "or choose another channel."
        )
    return tightest([*above, own])


@dataclass(slots=True)
class _Flow:
    """Binds the steps of one protocol, and gathers what stands against them."""

    steps: StepBinder
    cutter: Cutter
    channel: ChannelId
    potentiostats: Sequence[PotentiostatFacts] | None
    """None: spectra are left out."""
    findings: list[str]

    def bound(self, nodes: tuple[ProtocolNode, ...]) -> list[BoundNode]:
        """Return the nodes in absolute numbers, device nodes and host nodes mixed."""
        found: list[BoundNode] = []
        for node in nodes:
            if isinstance(node, Rest | Drive | Hold):
                found.append(self.steps.bind(node))
            elif isinstance(node, Repeat):
                found.extend(self._repeat(node))
            elif isinstance(node, Branch):
                then = self.cutter.gathered(self.bound(node.then))
                otherwise = self.cutter.gathered(self.bound(node.otherwise))
                found.append(HostIf(node.condition, then, otherwise))
            elif isinstance(node, Impedance):
                found.extend(self._spectrum(node))
            else:
                needs, later = _LATER[type(node)]
                self.findings.append(
                    f"{_where(node)}{needs}, and this station has cyclers only; {later}. Remove the step to run the "
                    "rest."
                )
        return found

    def _spectrum(self, node: Impedance) -> list[BoundNode]:
        if self.potentiostats is None:
            return []
        spectrum = bind_impedance(node, _where(node), self.channel, self.potentiostats, self.findings)
        return [] if spectrum is None else [spectrum]

    def _repeat(self, node: Repeat) -> list[BoundNode]:
        cutter, bodies = self.cutter, [self.bound(body) for body in node.bodies]
        if len(bodies) > 1:
            branches = tuple(
                HostIf(f"pass == {index}", cutter.gathered(body)) for index, body in enumerate(bodies)
            )
            return [HostRepeat(node.until or f"pass >= {node.count}", node.count, branches)]
        if not bodies[0]:
            return []
        if node.until:
            return [HostRepeat(node.until, node.count, cutter.gathered(bodies[0]))]
        return cutter.repeat(node.count, bodies[0])


def _where(node: ProtocolNode) -> str:
    line = place_of(node).line
    return f"line {line}: " if line else ""


def _temperature(
    demand: TemperatureIntent | None,
    cell: Cell,
    limits: Limits,
    has_chamber: bool,
    findings: list[str],
    warnings: list[str],
) -> TemperatureDemand | None:
    if demand is None:
        return None
    setpoint_degC = base_value(demand.setpoint)
    highest = limits.temperature_max_degC
    if highest is not None and setpoint_degC > highest:
        findings.append(
            f"temperature: {setpoint_degC:g} degC is above the limit {highest:g} degC of cell "
            f"{cell.cell_id} or protocol; lower it."
        )
    if not has_chamber:
        asked = format_quantity(demand.setpoint)
        text = f"temperature: {asked} is asked for, but no chamber is assigned to this channel"
        if ROOM_DEGC[0] <= setpoint_degC <= ROOM_DEGC[1]:
            warnings.append(f"{text}: the room must hold it, nobody watches it.")
        else:
            findings.append(f"{text}: name the channel under the chamber's 'channels' in the station file.")
        return None
    given = {
        "tolerance_K": demand.tolerance, "soak_s": demand.soak, "give_up_s": demand.give_up, "warn_K": demand.warn,
        "warn_s": demand.warn_after, "trip_K": demand.trip,
    }  # fmt: skip
    return TemperatureDemand(
        setpoint_degC, **{name: base_value(value) for name, value in given.items() if value is not None}
    )


def _detections(protocol: Protocol, cell: Cell, findings: list[str]) -> tuple[Detection, ...]:
    for rule in protocol.detections:
        if rule.kind is DetectionKind.SHORT and cell.effective_area_cm2 is None:
            findings.append(
                f"detect short: an area resistance needs the electrode area of cell {cell.cell_id}, which "
                "is not reported: "
                f"fill in 'area_cm2' or 'diameter_mm' of the cell."
            )
    return tuple(
        Detection(rule.kind, base_value(rule.limit), rule.in_a_row, rule.action, rule.of_cycle)
        for rule in protocol.detections
    )


def _facts(protocol: Protocol, cell: Cell, nominal_Ah: float | None) -> CellFacts:
    first: Literal["charge", "discharge"] = "charge"
    for node in all_nodes(protocol.steps):
        if isinstance(node, Drive | Hold):
            first = "charge" if node.direction is Direction.CHARGE else "discharge"
            break
    return CellFacts(
        cell.cell_id,
        cell.name,
        cell.kind.value,
        cell.effective_area_cm2,
        cell.active_mass_mg,
        nominal_Ah,
        first,
    )
