"""The first set current of a protocol for a cell, worked out without the station: for the column beside a mass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from labctl.errors import LabctlError
from labctl.model.cell import Cell
from labctl.model.protocol import Direction, Drive, Protocol, ProtocolNode, Quantity, QuantityKind, Repeat


def first_drive(nodes: Iterable[ProtocolNode]) -> Drive | None:
    """Return the first constant-current step, loops entered; None where there is none before a branch decides."""
    for node in nodes:
        if isinstance(node, Drive):
            return node
        if isinstance(node, Repeat) and node.bodies and (found := first_drive(node.bodies[0])) is not None:
            return found
    return None


def absolute_A(current: Quantity, cell: Cell) -> float | None:
    """Return a set current in A, unsigned, as C-rate, mA/cm2 or mA/g mean it for a cell; None without its data."""
    from labctl.protocol.quantities import base_value

    value = abs(base_value(current))
    if current.kind is QuantityKind.CURRENT:
        return value
    area_cm2, mass_mg, capacity_mAh = (
        cell.effective_area_cm2,
        cell.active_mass_mg,
        cell.effective_capacity_mAh,
    )
    if current.kind is QuantityKind.AREAL_CURRENT:
        return None if area_cm2 is None else value * area_cm2
    if current.kind is QuantityKind.SPECIFIC_CURRENT:
        return None if mass_mg is None else value * mass_mg * 1e-3
    if current.kind is QuantityKind.C_RATE:
        return None if capacity_mAh is None else value * capacity_mAh * 1e-3
    return None


def set_current_A(protocol: Protocol, cell: Cell) -> float | None:
    """Return the first set current of a protocol for a cell, charge positive, A."""
    drive = first_drive(protocol.steps)
    if drive is None:
        return None
    size_A = absolute_A(drive.current, cell)
    return None if size_A is None else size_A if drive.direction is Direction.CHARGE else -size_A


class Currents:
    """Set currents by protocol name, from the texts that the library gave; unreadable ones give none."""

    def __init__(self, texts: Callable[[], Mapping[str, str]]) -> None:
        """``texts`` returns the texts known now, by name."""
        self._texts = texts
        self._read: dict[str, tuple[str, Protocol | None]] = {}

    def of(self, name: str, cell: Cell) -> float | None:
        """Return the first set current of a protocol of the library for a cell, unsigned, A."""
        text = self._texts().get(name)
        if text is None:
            return None
        known = self._read.get(name)
        if known is None or known[0] != text:
            from labctl.protocol.parse import parse_protocol

            try:
                known = (text, parse_protocol(text, name))
            except LabctlError:
                known = (text, None)  # the check of the protocol says why; here there is only no number
            self._read[name] = known
        protocol = known[1]
        found = None if protocol is None else set_current_A(protocol, cell)
        return None if found is None else abs(found)
