"""What labctl asks of a converter for a vendor's own step files. Found through entry point group ``labctl.converters``.

A converter speaks of bound programs (absolute SI numbers). What a file cannot hold is never dropped in silence: it is
listed as losses, and ``read(export(p))`` equals ``p`` but for exactly the places listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from labctl.model.program import Program


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that the other side cannot hold.

    ``place`` names the field: ``detections``, ``cell.area_cm2``, ``steps[3].sentence`` (3 is the step id),
    ``steps[*].sentence`` (every step), ``flow`` (the nesting of segments, loops and host decisions), or a line of the
    foreign file (``Step4``). ``what`` is a sentence for a person.
    """

    place: str
    what: str


class ProgramConverter(Protocol):
    """Turns programs into a vendor's files and back."""

    @property
    def name(self) -> str: ...
    @property
    def suffixes(self) -> tuple[str, ...]: ...
    def export(self, program: Program) -> tuple[bytes, tuple[Loss, ...]]:
        """Write the program as a file; the losses are complete. Raises: UsageError where nothing can be written."""

    def read(self, data: bytes, source: str) -> tuple[Program, tuple[Loss, ...]]:
        """Read a file as an unbound program. Raises: UserFileError naming ``source``."""
