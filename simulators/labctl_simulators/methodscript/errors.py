"""Error codes of MethodSCRIPT instruments, by name (potentiostat.md 2.1.6)."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """What an instrument answers after ``!``."""

    UNSPECIFIED = 0x0001
    BAD_TYPE = 0x0002
    UNKNOWN_COMMAND = 0x0003
    WRONG_MODE = 0x0006
    BAD_ARGUMENT = 0x0007
    LINE_TOO_LONG = 0x0008
    NO_SCRIPT = 0x000C
    BAD_POTENTIAL = 0x000F
    NOT_A_NUMBER = 0x0010
    BAD_FREQUENCY = 0x0011
    BAD_AMPLITUDE = 0x0012
    OCP_WITH_CELL_ON = 0x0014
    NOT_SUPPORTED = 0x001B
    STEP_TOO_SMALL = 0x001C
    MODE_UNSUPPORTED = 0x0021
    INVALID_IN_MODE = 0x0023
    NO_SUCH_CHANNEL = 0x002F
    CRITICAL_OVERLOAD = 0x0032
    TIMING = 0x005A
    OSCILLATING = 0x0080
    UNKNOWN_WORD = 0x4001
    BAD_CHARACTER = 0x4004
    SCRIPT_TOO_LARGE = 0x4005
    NESTED_LOOP = 0x400B
    UNEXPECTED_END = 0x4018
    BAD_PACKAGE = 0x401B
    DECLARED_TWICE = 0x4026
    NEEDS_CELL_ON = 0x4027
    NEEDS_CELL_OFF = 0x4028
    BAD_LITERAL = 0x4039
    NEGATIVE = 0x4200
    NOT_POSITIVE = 0x4204
    OUT_OF_BOUNDS = 0x4205
    NOT_FOR_THIS_MODEL = 0x4206
    NOT_DECLARED = 0x420B


class ScriptError(Exception):
    """A script that is refused (with a column) or stops (line only)."""

    def __init__(self, code: Code, line: int, column: int | None = None) -> None:
        self.code, self.line, self.column = code, line, column
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """Return what the instrument says of it, from the exclamation mark on."""
        where = "" if self.column is None else f", Col {self.column}"
        return f"!{self.code:04X}: Line {self.line}{where}"
