"""The course of one script: its variables, its time, and what it may ask of its instrument.

Script time is plant time without the stretches in which the script was halted. The words of a script act through this
class (``words``, ``measuring``); ``run`` moves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from labctl_simulators.methodscript.errors import Code, ScriptError
from labctl_simulators.methodscript.models import GALVANOSTAT, LOW_SPEED, Model, ModeLimits
from labctl_simulators.methodscript.script import Instruction, checked_number
from labctl_simulators.methodscript.wire import VarType
from labctl_simulators.world.potentiostat import Flag, Potentiostat

Steps = Iterator[None]
Act = Callable[["Course", Instruction], Steps | None]
NIBBLES = (Flag.TIMING, Flag.OVERLOAD_CURRENT, Flag.UNDERLOAD, Flag.OVERLOAD_WARNING)
_NOT_NUMBERS = frozenset({"variable", "type", "new", "text"})


@dataclass(slots=True)
class Variable:
    """A script variable: value, type, and the metadata that ride on it."""

    value: float = 0.0
    kind: str = VarType.NUMBER
    status: int | None = None
    index: int | None = None


@dataclass(slots=True)
class Settings:
    """What stays set in an instrument from one script to the next; ``measurement`` counts its loops."""

    mode: int = LOW_SPEED
    bandwidth_Hz: float = math.inf
    potential_index: int | None = None
    measurement: int = 0


@dataclass(slots=True)
class Upset:
    """What a fault does to the points to come: a code that ends the script, points with the timing flag."""

    code: Code | None = None
    timing_points: int = 0


@dataclass(slots=True)
class Course:
    """One script under way. ``emit`` takes a line of output without its LF; ``open_blocks`` are their closing lines."""

    model: Model
    modes: Mapping[int, ModeLimits]
    settings: Settings
    plant: Potentiostat
    upset: Upset
    emit: Callable[[str], None]
    acts: Mapping[str, Act]
    time_s: float
    due_s: float
    timer_s: float
    late_s: float = 0.0
    leaving: bool = False
    line: int = 0
    variables: dict[str, Variable] = field(default_factory=dict)
    package: list[str] = field(default_factory=list)
    open_blocks: list[str] = field(default_factory=list)

    def block(self, instructions: tuple[Instruction, ...]) -> Steps:
        """Do instructions one after another."""
        outside = self.line
        for instruction in instructions:
            self.line = instruction.line
            yield from self.acts[instruction.word](self, instruction) or ()
        self.line = outside

    def until(self, time_s: float) -> Steps:
        """Let script time pass; comes back early when the loop is to be left."""
        self.time_s = time_s
        self.due_s = time_s + self.late_s
        yield

    @property
    def plant_s(self) -> float:
        """Return the plant time that belongs to the script's time."""
        return self.time_s + self.late_s

    def fail(self, code: Code) -> ScriptError:
        """Return the error that ends the script at the present line."""
        return ScriptError(code, self.line)

    def numbers(self, instruction: Instruction) -> list[float]:
        """Return the numbers among the arguments, variables replaced by what they hold. Raises: ScriptError."""
        found = []
        for argument, check in zip(instruction.arguments, instruction.checks, strict=True):
            if check in _NOT_NUMBERS:
                continue
            value = self.variables[argument].value if isinstance(argument, str) else argument
            if not math.isfinite(value):
                raise self.fail(Code.NOT_A_NUMBER)
            found.append(checked_number(value, check, instruction.line))
        return found

    @property
    def limits(self) -> ModeLimits:
        """Return what the present mode allows."""
        return self.modes[self.settings.mode]

    def allow_V(self, *potentials_V: float) -> None:
        """Raise ScriptError for potentials outside the mode's window or too far apart."""
        limits = self.limits
        outside = any(not limits.low_V - 1e-9 <= each_V <= limits.high_V + 1e-9 for each_V in potentials_V)
        if outside or max(potentials_V) - min(potentials_V) > limits.span_V + 1e-9:
            raise self.fail(Code.BAD_POTENTIAL)

    def need_potentiostat(self, *potentials_V: float) -> None:
        """Raise ScriptError in galvanostat mode, or for a potential that is not allowed."""
        if self.settings.mode == GALVANOSTAT:
            raise self.fail(Code.INVALID_IN_MODE)
        self.allow_V(*potentials_V)

    def need_galvanostat(self, *currents_A: float) -> None:
        """Raise ScriptError in another mode, or for a current beyond the model's largest."""
        if self.settings.mode != GALVANOSTAT:
            raise self.fail(Code.INVALID_IN_MODE)
        if any(abs(current_A) > self.model.current_max_A for current_A in currents_A):
            raise self.fail(Code.OUT_OF_BOUNDS)

    def nibble(self, flags: Flag) -> int:
        """Return the status nibble of a reading; the wire has one overload bit for current and potential."""
        if self.upset.timing_points > 0:
            self.upset.timing_points -= 1
            flags |= Flag.TIMING
        if Flag.OVERLOAD_POTENTIAL in flags:
            flags |= Flag.OVERLOAD_CURRENT
        return sum(int(flag) for flag in NIBBLES if flag in flags)

    def suffer(self) -> None:
        """Stop where a fault wants it. A critical overload opens the cell by itself; an oscillation does not."""
        code, self.upset.code = self.upset.code, None
        if code is Code.CRITICAL_OVERLOAD:
            self.plant.cell_off(self.plant_s)
        if code is not None:
            raise self.fail(code)
