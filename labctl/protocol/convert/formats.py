"""Convert protocols by the name of a format: our own, unicycler, PyBaMM, and what installed drivers offer."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from labctl.errors import UserFileError, UserInputError
from labctl.interfaces.converter import Loss, ProgramConverter
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.cell import Cell, CellKind
from labctl.model.handover import PotentiostatFacts
from labctl.model.ids import ChannelId
from labctl.model.program import Program
from labctl.model.protocol import Protocol
from labctl.model.units import mAh_from_Ah
from labctl.protocol.bind import bind
from labctl.protocol.convert import pybamm, unicycler
from labctl.protocol.convert.from_program import protocol_from_program
from labctl.protocol.document import to_yaml
from labctl.protocol.parse import parse_protocol
from labctl.protocol.yamlfile import nearest

GROUP = "labctl.converters"
OWN = "yaml"


def formats() -> tuple[str, ...]:
    """Return the names of all formats."""
    return (OWN, unicycler.NAME, pybamm.NAME, *sorted(entry.name for entry in entry_points(group=GROUP)))


def _converter(name: str) -> ProgramConverter:
    """Return the installed converter of a name. Raises: UserInputError naming the nearest format."""
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            converter: ProgramConverter = entry.load()
            return converter
    near = nearest(name, formats())
    hint = f"Did you mean '{near}'? " if near else ""
    raise UserInputError(f"there is no format '{name}'. {hint}Known: {', '.join(formats())}.")


def suffix_of(fmt: str) -> str:
    """Return the usual file suffix of a format."""
    own = {OWN: ".yaml", unicycler.NAME: unicycler.SUFFIX, pybamm.NAME: pybamm.SUFFIX}
    return own[fmt] if fmt in own else _converter(fmt).suffixes[0]


def convert_protocol(
    protocol: Protocol,
    fmt: str,
    *,
    cell: Cell | None = None,
    channel: ChannelId | None = None,
    capabilities: CyclerCapabilities | None = None,
    program: Program | None = None,
) -> tuple[bytes, tuple[Loss, ...]]:
    """Write a protocol in another format and list what that format cannot hold.

    Formats of an instrument hold absolute numbers: give the bound ``program``, or a cell and the capabilities of
    the instrument to bind with. Other formats need a cell (or a program, which knows it) for currents per area or
    mass. Raises: UserInputError when something is missing; ProgramError when the protocol cannot be bound.
    """
    if cell is None and program is not None:
        cell = _cell_of(program)
    if fmt == OWN:
        return to_yaml(protocol).encode(), ()
    if fmt == unicycler.NAME:
        return unicycler.export(protocol, cell)
    if fmt == pybamm.NAME:
        return pybamm.export(protocol, cell)
    converter = _converter(fmt)
    if program is None:
        if cell is None or capabilities is None:
            raise UserInputError(
                f"'{fmt}' files hold absolute currents: name a cell (--cell) and a channel (--channel)."
            )
        program = bind(
            protocol, cell, channel or ChannelId("export:1"), capabilities,
            has_chamber=True, potentiostats=(PotentiostatFacts("any"),),
        )  # fmt: skip
    return converter.export(program)


def _cell_of(program: Program) -> Cell:
    """Return what a program knows of its cell."""
    facts = program.cell
    nominal_Ah = facts.nominal_capacity_Ah
    return Cell(
        facts.cell_id,
        facts.name,
        CellKind(facts.kind),
        area_cm2=facts.area_cm2,
        active_mass_mg=facts.active_mass_mg,
        nominal_capacity_mAh=None if nominal_Ah is None else mAh_from_Ah(nominal_Ah),
    )


def _format_of(path: Path) -> str:
    """Return the format that a file's suffix means. Raises: UserInputError when it means none or several."""
    own = {".yaml": OWN, ".yml": OWN, ".txt": pybamm.NAME}
    suffix = path.suffix.lower()
    fitting = [own[suffix]] if suffix in own else [name for name in formats() if suffix_of(name) == suffix]
    if len(fitting) != 1:
        raise UserInputError(
            f"the name '{path.name}' does not tell the format; say it: {', '.join(formats())}."
        )
    return fitting[0]


def read_foreign(path: Path, fmt: str | None = None) -> tuple[Protocol, tuple[Loss, ...]]:
    """Read a file of another format as a protocol; without ``fmt`` its suffix tells.

    Raises: UserFileError, UserInputError.
    """
    fmt = fmt or _format_of(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = f"the file cannot be read: {error.strerror or error}."
        raise UserFileError(problem, path=path, fix="Check the path and its permissions.") from error
    if fmt == OWN:
        try:
            return parse_protocol(data.decode("utf-8-sig"), str(path)), ()
        except UnicodeDecodeError as error:
            raise UserFileError("the file is not UTF-8 text.", path=path, fix="Save it as UTF-8.") from error
    if fmt == unicycler.NAME:
        return unicycler.read(data, str(path))
    if fmt == pybamm.NAME:
        return pybamm.read(data, str(path))
    program, losses = _converter(fmt).read(data, str(path))
    return protocol_from_program(program), losses
