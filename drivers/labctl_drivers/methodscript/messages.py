"""What is said on a MethodSCRIPT line: lines of a running script and answers outside scripts. Pure data.

Source: potentiostat.md 2.1.2 and 2.1.3, SOURCES.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from labctl.errors import WireError


class TechniqueId(IntEnum):
    """What a measurement loop says that it is, of the kinds that labctl asks for."""

    LSV = 0x0000
    CV = 0x0005
    CA = 0x0007
    CP = 0x000A
    OCP = 0x000B
    EIS = 0x000D
    GEIS = 0x000E


class Status(IntFlag):
    """The status nibble of a variable."""

    TIMING = 1
    OVERLOAD = 2
    UNDERLOAD = 4
    OVERLOAD_NEAR = 8


GOOD = Status(0)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a package: two-letter kind, value in its SI unit, status, index of the range in use."""

    kind: str
    value: float
    status: Status = GOOD
    range_index: int | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """One data point as it came, with where in the script's output it stands.

    ``technique`` is the id of the innermost measurement loop (None outside of one); ``scan`` counts from 1 inside a
    loop that has scans, else 0; ``loops`` tells how many script loops are round it.
    """

    variables: tuple[Variable, ...]
    technique: int | None = None
    scan: int = 0
    loops: int = 0

    def find(self, *kinds: str) -> Variable | None:
        """Return the variable of the first of these kinds that it holds."""
        for kind in kinds:
            for variable in self.variables:
                if variable.kind == kind:
                    return variable
        return None


@dataclass(frozen=True, slots=True)
class Began:
    """A measurement loop (``M``), a scan (``C``) or a script loop (``L``) begins; ``number`` is its id or 0."""

    mark: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """What began with ``mark`` is over."""

    mark: str


@dataclass(frozen=True, slots=True)
class Text:
    """Output of ``send_string``."""

    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """An error: ``code`` as in 2.1.6, with line and column of the script where the device tells them."""

    code: int
    line: int | None = None
    column: int | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The empty line: the script is over."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a command outside scripts, all of its lines joined by LF."""

    command: str
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The device has said no to a command."""

    command: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that breaks the format; what came before it is good."""

    error: WireError


Output = Package | Began | Finished | Text | Fault | Ended
Event = Output | Answered | Refused | Broken
