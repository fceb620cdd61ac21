"""BTS step XML to and from bound programs, with a complete loss report.

``export`` finds its losses by reading its own file back and comparing field by field, so the report cannot forget
one: read(export(p)) equals p but for the places listed. Host decisions have no place in a step file: a ``repeat
until`` becomes a loop of its largest count, an ``if`` its first branch. Source: data-formats.md 4.2, 4.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from labctl.errors import UsageError
from labctl.interfaces.converter import Loss
from labctl.model.ids import CellId, ChannelId
from labctl.model.program import (
    CellFacts,
    DeviceNode,
    Estimate,
    HostIf,
    HostNode,
    HostRepeat,
    Limits,
    Loop,
    Program,
    RecordRule,
    Segment,
    Spectroscopy,
    Step,
    StepMode,
    steps_of,
)
from labctl_drivers.neware.stepfile import CC_MODES, CV_MODES, StepFileHead, write_step_file
from labctl_drivers.neware.stepreader import read_step_file

_WHY: dict[str, str] = {
    "flow": "segments and host decisions cannot be held: 'repeat until' became a loop of its largest count, "
    "'if' its first branch, segments were joined, spectra were left out",
    "sentence": "the sentence is not stored",
    "time_is_backstop": "that the time end is only a back-stop is not stored",
    "end_time_s": "a pause has no end in the file",
    "step_id": "the file numbers its steps anew",
    "end_voltage_V": "this kind of step cannot end by voltage",
    "end_current_A": "this kind of step cannot end by current",
    "end_capacity_Ah": "this kind of step cannot end by capacity",
    "detections": "detections are made by the host",
    "temperature": "the file knows no chamber",
    "temperature_min_degC": "the file knows no lowest temperature",
    "estimate": "estimates are not stored",
    "warnings": "warnings are not stored",
    "variables": "variables are replaced by their values",
    "protocol_hash": "the protocol's hash is not stored",
    "channel": "the file belongs to no channel",
}


@dataclass(frozen=True, slots=True)
class NewareXmlConverter:
    """Entry point ``neware-xml`` of group ``labctl.converters``."""

    name: str = "neware-xml"
    suffixes: tuple[str, ...] = (".xml",)

    def export(self, program: Program) -> tuple[bytes, tuple[Loss, ...]]:
        """Write the program as a step file. Raises: UsageError when there is no step to write."""
        body = tuple(_writable(node) for node in _device_body(program.flow))
        if not body:
            raise UsageError("a program without device steps has no step file")
        head = StepFileHead(
            remark=program.protocol_name,
            nominal_capacity_Ah=program.cell.nominal_capacity_Ah,
            active_mass_mg=program.cell.active_mass_mg,
        )
        limits = replace(program.limits, temperature_min_degC=None)
        data = write_step_file(body, program.record, limits, head).data
        back, _ = self.read(data, program.protocol_name)
        return data, tuple(differences(program, back))

    def read(self, data: bytes, source: str) -> tuple[Program, tuple[Loss, ...]]:
        """Read a step file as the program of a cell that is not named. Raises: UserFileError."""
        file = read_step_file(data, source)
        cell = CellFacts(
            cell_id=CellId("unbound"),
            name="",
            kind="other",
            active_mass_mg=file.active_mass_mg,
            nominal_capacity_Ah=file.nominal_capacity_Ah,
        )
        program = Program(
            protocol_name=file.remark,
            protocol_hash="",
            cell=cell,
            channel=ChannelId("unbound:0-0"),
            flow=(Segment(1, file.body),),
            record=file.record,
            limits=file.limits,
            estimate=Estimate(0.0, 0.0, 0, 0, 0, 0),
        )
        return program, file.losses


def _device_body(flow: Sequence[HostNode]) -> tuple[DeviceNode, ...]:
    """Flatten host decisions into what a device can do alone."""
    body: list[DeviceNode] = []
    for node in flow:
        if isinstance(node, Segment):
            body += node.body
        elif isinstance(node, HostRepeat):
            inner = _device_body(node.body)
            body += [Loop(node.at_most, inner)] if inner else []
        elif isinstance(node, HostIf):
            body += _device_body(node.then)
    return tuple(body)


def _writable(node: DeviceNode) -> DeviceNode:
    """Take out of a step what its kind cannot say; the comparison afterwards lists it."""
    if isinstance(node, Loop):
        return replace(node, body=tuple(_writable(inner) for inner in node.body))
    limits = None if node.limits is None else replace(node.limits, temperature_min_degC=None)
    passive = node.mode in (StepMode.REST, StepMode.PAUSE)
    return replace(
        node,
        end_voltage_V=node.end_voltage_V if node.mode in CC_MODES else None,
        end_current_A=node.end_current_A if node.mode in CV_MODES else None,
        end_capacity_Ah=None if passive else node.end_capacity_Ah,
        limits=limits,
    )


# ------------------------------------------------------------------------------------------------- comparison


def differences(wanted: Program, found: Program) -> list[Loss]:
    """List every field in which ``found`` differs from ``wanted``; a field that differs in all steps once."""
    losses: list[Loss] = []
    if _skeleton(wanted.flow) != _skeleton(found.flow):
        losses.append(Loss("flow", _WHY["flow"]))
    losses += _step_differences(_all_steps(wanted.flow), _all_steps(found.flow))
    for item in fields(Program):
        ours, theirs = getattr(wanted, item.name), getattr(found, item.name)
        if item.name == "flow" or ours == theirs:
            continue
        if isinstance(ours, CellFacts | Limits | RecordRule):
            losses += [
                _loss(f"{item.name}.{part.name}", part.name)
                for part in fields(ours)
                if getattr(ours, part.name) != getattr(theirs, part.name)
            ]
        else:
            losses.append(_loss(item.name, item.name))
    return losses


def _step_differences(wanted: Sequence[Step], found: Sequence[Step]) -> list[Loss]:
    if len(wanted) != len(found):
        return [
            Loss("steps", f"{len(wanted)} steps became {len(found)}: only one branch of each 'if' is written")
        ]
    losses: list[Loss] = []
    for item in fields(Step):
        differing = [
            ours.step_id
            for ours, theirs in zip(wanted, found, strict=True)
            if getattr(ours, item.name) != getattr(theirs, item.name)
        ]
        if len(differing) == len(wanted) > 1:
            losses.append(_loss(f"steps[*].{item.name}", item.name))
        else:
            losses += [_loss(f"steps[{step_id}].{item.name}", item.name) for step_id in differing]
    return losses


def _loss(place: str, field_name: str) -> Loss:
    return Loss(place, _WHY.get(field_name, "the file cannot hold this value"))


def _skeleton(nodes: Sequence[Any]) -> tuple[Any, ...]:
    """Return the nesting of nodes with everything but steps' contents."""
    shape: list[Any] = []
    for node in nodes:
        if isinstance(node, Step):
            shape.append("step")
        elif isinstance(node, Loop):
            shape.append(("loop", node.count, _skeleton(node.body)))
        elif isinstance(node, Segment):
            shape.append(("segment", node.index, _skeleton(node.body)))
        elif isinstance(node, HostRepeat):
            shape.append(("repeat", node.until, node.at_most, _skeleton(node.body)))
        elif isinstance(node, Spectroscopy):
            shape.append(("eis", node.technique))
        else:
            shape.append(("if", node.condition, _skeleton(node.then), _skeleton(node.otherwise)))
    return tuple(shape)


def _all_steps(nodes: Sequence[HostNode]) -> list[Step]:
    found: list[Step] = []
    for node in nodes:
        if isinstance(node, Segment):
            found += steps_of(node.body)
        elif isinstance(node, HostRepeat):
            found += _all_steps(node.body)
        elif isinstance(node, HostIf):
            found += _all_steps(node.then) + _all_steps(node.otherwise)
    return found


CONVERTER = NewareXmlConverter()
