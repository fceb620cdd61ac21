"""The exception tree: every failure that labctl expects, named after what went wrong.

::

    LabctlError
      UserFileError        station, protocol, bench or cell file: path, line, column, what would be right
      UserInputError       a command line or API argument that cannot be used
      ConflictError        a wish that came too late: someone else has acted meanwhile; says who and what
      ProgramError         a protocol that cannot be bound to this cell and channel (all findings listed)
      StoreError           a data root or run folder that is damaged, locked or full
      InstrumentError      which instrument, which operation, elapsed link seconds
        LinkError            bytes could not be exchanged: try again from a known state
          LinkTimeout          no (complete) answer before the deadline; the command's fate is unknown
          LinkClosed           the peer closed or refused the connection
        WireError            the instrument broke its own format: bytes, offset, rule
        UsageError           we asked for something illegal: a bug or a bad program, never retried
        RefusedError         it answered no: vendor text and our translation
        UnknownStateError    read-back does not agree with what we believe: nothing energising may follow
      InvariantError       one of our own safety invariants (I01-I20) does not hold

``str(error)`` is one paragraph that a person can act on; it never needs a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class LabctlError(Exception):
    """Any failure that labctl expects and explains."""


class UserFileError(LabctlError):
    """A file written by a person cannot be used; names the place and the fix."""

    def __init__(
        self,
        problem: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        fix: str = "",
    ) -> None:
        self.problem = problem
        self.path = None if path is None else str(path)
        self.line = line
        self.column = column
        self.fix = fix
        super().__init__(problem)

    def __str__(self) -> str:
        place = self.path or "<text>"
        if self.line is not None:
            place += f":{self.line}"
            if self.column is not None:
                place += f":{self.column}"
        return f"{place}: {self.problem}" + (f" {self.fix}" if self.fix else "")


class UserInputError(LabctlError):
    """An argument that cannot be used; the text says what would be right."""


class ConflictError(LabctlError):
    """What is asked no longer fits what is there (F43); the text says who has done what meanwhile."""


class UnconfirmedError(ConflictError):
    """An act was sent to an instrument that did not confirm it: nobody knows whether it was done (P2)."""


class ProgramError(LabctlError):
    """A protocol cannot be bound to this cell and channel.

    ``findings`` holds one complete sentence per reason.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(self.findings))


class StoreError(LabctlError):
    """A data root or run folder is damaged, locked or full."""


class InvariantError(LabctlError):
    """One of our own safety invariants does not hold; carries its id (``I01`` ... ``I20``)."""

    def __init__(self, invariant: str, problem: str) -> None:
        self.invariant = invariant
        self.problem = problem
        super().__init__(f"{invariant}: {problem}")


class InstrumentError(LabctlError):
    """An operation on an instrument failed."""

    def __init__(
        self, problem: str, *, instrument: str = "", operation: str = "", elapsed_s: float | None = None
    ) -> None:
        self.problem = problem
        self.instrument = instrument
        self.operation = operation
        self.elapsed_s = elapsed_s
        super().__init__(problem)

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.instrument, self.operation) if part)
        tail = "" if self.elapsed_s is None else f" (after {self.elapsed_s:.3g} s)"
        return (f"{head}: " if head else "") + self.problem + tail


class LinkError(InstrumentError):
    """Bytes could not be exchanged; the link is closed afterwards."""


class LinkTimeout(LinkError):
    """No complete answer came before the deadline; whether the command took effect is unknown."""


class LinkClosed(LinkError):
    """The peer refused, reset or closed the connection."""


class WireError(InstrumentError):
    """The instrument broke its own format."""

    def __init__(
        self,
        problem: str,
        *,
        data: bytes = b"",
        offset: int = 0,
        rule: str = "",
        instrument: str = "",
        operation: str = "",
    ) -> None:
        self.data = data[:200]
        self.offset = offset
        self.rule = rule
        super().__init__(problem, instrument=instrument, operation=operation)


class UsageError(InstrumentError):
    """We asked for something illegal: a bug or a bad program; never retried."""


class RefusedError(InstrumentError):
    """The instrument answered no; ``vendor_text`` is its own word."""

    def __init__(
        self, problem: str, *, vendor_text: str = "", instrument: str = "", operation: str = ""
    ) -> None:
        self.vendor_text = vendor_text
        super().__init__(problem, instrument=instrument, operation=operation)


class UnknownStateError(InstrumentError):
    """Read-back disagrees with what we believe; nothing that raises energy may follow."""
