"""Read a script: words, arguments and blocks, checked as an instrument checks them before it answers ``e``.

Source: potentiostat.md 2.1.4 and 2.1.6. Optional arguments in parentheses are accepted where the word knows them;
``eis_tdd`` and ``eis_opt`` change nothing here, because the meaning of their numbers was not found in public.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labctl_simulators.methodscript.errors import Code, ScriptError
from labctl_simulators.methodscript.wire import LINE_MAX, Token, VarType, literal, tokens

SCRIPT_MAX_BYTES = 32768
"""[our choice] The real memory differs by model."""
_PRINTABLE = frozenset(string.printable) - set("\r\n\x0b\x0c")
FINISHED = "on_finished:"

NEW, VARIABLE, TYPE, NUMBER, POSITIVE, NOT_NEGATIVE, TEXT = (
    "new",
    "variable",
    "type",
    "number",
    "+",
    "0+",
    "text",
)

WORDS: Mapping[str, tuple[str, ...]] = {
    "var": (NEW,),
    "store_var": (VARIABLE, NUMBER, TYPE),
    "set_pgstat_chan": (NUMBER,),
    "set_pgstat_mode": (NUMBER,),
    "set_max_bandwidth": (POSITIVE,),
    "set_range_minmax": (TYPE, NUMBER, NUMBER),
    "set_range": (TYPE, NUMBER),
    "set_autoranging": (TYPE, NUMBER, NUMBER),
    "set_e": (NUMBER,),
    "set_i": (NUMBER,),
    "cell_on": (),
    "cell_off": (),
    "wait": (NOT_NEGATIVE,),
    "timer_start": (),
    "timer_get": (VARIABLE,),
    "meas_loop_ocp": (VARIABLE, POSITIVE, POSITIVE),
    "meas_loop_ca": (VARIABLE, VARIABLE, NUMBER, POSITIVE, POSITIVE),
    "meas_loop_cp": (VARIABLE, VARIABLE, NUMBER, POSITIVE, POSITIVE),
    "meas_loop_lsv": (VARIABLE, VARIABLE, NUMBER, NUMBER, POSITIVE, POSITIVE),
    "meas_loop_cv": (VARIABLE, VARIABLE, NUMBER, NUMBER, NUMBER, POSITIVE, POSITIVE),
    "meas_loop_eis": (VARIABLE, VARIABLE, VARIABLE, NUMBER, NUMBER, NUMBER, POSITIVE, NUMBER),
    "meas_loop_geis": (VARIABLE, VARIABLE, VARIABLE, NUMBER, NUMBER, NUMBER, POSITIVE, NUMBER),
    "pck_start": (),
    "pck_add": (VARIABLE,),
    "pck_end": (),
    "endloop": (),
    FINISHED: (),
    "send_string": (TEXT,),
}
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "meas_loop_cv": ("nscans",),
    "meas_loop_eis": ("eis_tdd", "eis_opt"),
    "meas_loop_geis": ("eis_tdd", "eis_opt"),
    "pck_start": ("meta_msk",),
}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One word with its arguments: numbers as floats, names as text. ``body`` is what a loop holds."""

    word: str
    line: int
    arguments: tuple[float | str, ...] = ()
    checks: tuple[str, ...] = ()
    options: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    body: tuple[Instruction, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A script that was accepted."""

    body: tuple[Instruction, ...]
    finished: tuple[Instruction, ...]


def read_script(lines: Sequence[str]) -> Script:
    """Read the lines between ``e`` and the empty line. Raises: ScriptError with line and column."""
    return _Reader().read(lines)


def checked_number(value: float, check: str, line: int, column: int | None = None) -> float:
    """Return a number that its word accepts. Raises: ScriptError."""
    if check == POSITIVE and value <= 0.0:
        raise ScriptError(Code.NOT_POSITIVE, line, column)
    if check == NOT_NEGATIVE and value < 0.0:
        raise ScriptError(Code.NEGATIVE, line, column)
    return value


class _Reader:
    """The state of reading: declared names, open loop, open package."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._blocks: list[list[Instruction]] = [[]]
        self._heads: list[Instruction] = []
        self._body: tuple[Instruction, ...] | None = None
        self._packing = False

    def read(self, lines: Sequence[str]) -> Script:
        if sum(len(line) + 1 for line in lines) > SCRIPT_MAX_BYTES:
            raise ScriptError(Code.SCRIPT_TOO_LARGE, len(lines), 1)
        for number, line in enumerate(lines, start=1):
            self._line(number, line)
        if self._heads or self._packing:
            raise ScriptError(Code.UNEXPECTED_END, len(lines), 1)
        last = tuple(self._blocks[0])
        return Script(last, ()) if self._body is None else Script(self._body, last)

    def _line(self, number: int, line: str) -> None:
        if len(line) > LINE_MAX:
            raise ScriptError(Code.LINE_TOO_LONG, number, LINE_MAX + 1)
        bad = next((at for at, letter in enumerate(line) if letter not in _PRINTABLE), None)
        if bad is not None:
            raise ScriptError(Code.BAD_CHARACTER, number, bad + 1)
        words = list(tokens(line))
        if not words:
            return
        head, rest = words[0], words[1:]
        if head.text not in WORDS:
            raise ScriptError(Code.UNKNOWN_WORD, number, head.column)
        self._place(self._instruction(head, rest, number), head.column)

    def _instruction(self, head: Token, rest: Sequence[Token], number: int) -> Instruction:
        kinds = WORDS[head.text]
        if len(rest) < len(kinds):
            end = (rest[-1] if rest else head).column + len((rest[-1] if rest else head).text)
            raise ScriptError(Code.BAD_ARGUMENT, number, end)
        arguments = tuple(
            self._argument(kind, token, number) for kind, token in zip(kinds, rest, strict=False)
        )
        options: dict[str, tuple[float, ...]] = {}
        for token in rest[len(kinds) :]:
            name, _, inside = token.text.partition("(")
            if not inside or name not in OPTIONS.get(head.text, ()):
                raise ScriptError(Code.BAD_ARGUMENT, number, token.column)
            options[name] = tuple(
                self._literal(word, number, token.column) for word in inside.rstrip(")").split()
            )
        return Instruction(head.text, number, arguments, kinds, options)

    def _argument(self, kind: str, token: Token, number: int) -> float | str:
        text, column = token.text, token.column
        if kind == TEXT:
            if len(text) < 2 or not text.startswith('"') or not text.endswith('"'):
                raise ScriptError(Code.BAD_ARGUMENT, number, column)
            return text[1:-1]
        if kind == TYPE:
            if text not in VarType.__members__.values():
                raise ScriptError(Code.BAD_TYPE, number, column)
            return text
        if kind == NEW:
            return self._declared(token, number)
        if text[0].isalpha() or kind == VARIABLE:
            if text not in self._names:
                raise ScriptError(Code.NOT_DECLARED, number, column)
            return text
        return checked_number(self._literal(text, number, column), kind, number, column)

    def _declared(self, token: Token, number: int) -> str:
        name = token.text
        if name in self._names:
            raise ScriptError(Code.DECLARED_TWICE, number, token.column)
        bad = next((at for at, letter in enumerate(name) if letter not in _NAME), None)
        if bad is not None:
            raise ScriptError(Code.BAD_CHARACTER, number, token.column + bad)
        self._names.add(name)
        return name

    def _literal(self, text: str, number: int, column: int) -> float:
        try:
            return literal(text)
        except ValueError:
            raise ScriptError(Code.BAD_LITERAL, number, column) from None

    def _place(self, instruction: Instruction, column: int) -> None:
        word, line = instruction.word, instruction.line
        if word in ("pck_start", "pck_add", "pck_end"):
            if self._packing is (word == "pck_start"):
                raise ScriptError(Code.BAD_PACKAGE, line, column)
            self._packing = word != "pck_end"
        elif self._packing:
            raise ScriptError(Code.BAD_PACKAGE, line, column)
        if word.startswith("meas_loop"):
            if self._heads:
                raise ScriptError(Code.NESTED_LOOP, line, column)
            self._heads.append(instruction)
            self._blocks.append([])
        elif word == "endloop":
            if not self._heads:
                raise ScriptError(Code.UNEXPECTED_END, line, column)
            head, body = self._heads.pop(), tuple(self._blocks.pop())
            whole = Instruction(head.word, head.line, head.arguments, head.checks, head.options, body)
            self._blocks[-1].append(whole)
        elif word == FINISHED:
            if self._heads or self._body is not None:
                raise ScriptError(Code.UNEXPECTED_END, line, column)
            self._body, self._blocks = tuple(self._blocks[0]), [[]]
        else:
            self._blocks[-1].append(instruction)


_NAME = frozenset(string.ascii_lowercase + string.digits + "_")
