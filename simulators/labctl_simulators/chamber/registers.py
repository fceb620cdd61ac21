"""The chamber's register map as data, and reading and writing a chamber through it.

A lab with another chamber edits the table; ``RegisterMap`` is that table on the simulator's side.

Source: temperature-chamber.md section 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from labctl.errors import UserInputError
from labctl_simulators.chamber.wire import (
    ExceptionCode,
    Function,
    ModbusError,
    ReadRequest,
    WriteRequest,
    float_from_words,
    words_from_float,
)
from labctl_simulators.world.chamber import (
    Chamber,
    RAMP_MAX_K_per_min,
    RAMP_MIN_K_per_min,
    SETPOINT_MAX_degC,
    SETPOINT_MIN_degC,
)


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """Zero-based addresses. Floats take two registers, high word first."""

    input_state: int = 0
    input_alarm: int = 1
    input_temperature: int = 2
    input_followed: int = 4
    holding_on: int = 0
    holding_spare: int = 1
    holding_setpoint: int = 2
    holding_ramp: int = 4

    @staticmethod
    def from_mapping(table: Mapping[str, int]) -> RegisterMap:
        """Make a map from names and addresses. Raises UserInputError on an unknown name or an overlap."""
        known = [field.name for field in fields(RegisterMap)]
        unknown = set(table) - set(known)
        if unknown:
            raise UserInputError(
                f"A chamber has no register {sorted(unknown)[0]!r}; known are {', '.join(known)}."
            )
        registers = RegisterMap(**{name: int(address) for name, address in table.items()})
        for kind, floats in (("input", _INPUT_FLOATS), ("holding", _HOLDING_FLOATS)):
            taken: set[int] = set()
            for name in known:
                if name.startswith(kind):
                    address = getattr(registers, name)
                    own = {address, address + 1} if name in floats else {address}
                    if taken & own:
                        raise UserInputError(f"Register {name} overlaps another one at address {address}.")
                    taken |= own
        return registers


_INPUT_FLOATS = ("input_temperature", "input_followed")
_HOLDING_FLOATS = ("holding_setpoint", "holding_ramp")


class Registers:
    """A chamber seen through its registers. Writes take effect as a whole or not at all."""

    def __init__(self, chamber: Chamber, table: RegisterMap | None = None) -> None:
        self.chamber = chamber
        self.table = table or RegisterMap()

    def read(self, request: ReadRequest) -> tuple[int, ...]:
        """Return the registers asked for. Raises ModbusError 2 when one of them does not exist."""
        words = self._inputs() if request.function is Function.READ_INPUT else self._holdings()
        try:
            return tuple(words[request.address + index] for index in range(request.count))
        except KeyError:
            raise ModbusError(ExceptionCode.ADDRESS) from None

    def write(self, request: WriteRequest) -> None:
        """Write registers. Raises ModbusError 2 (unknown address) or 3 (range, half a float); nothing is
        written.
        """
        known = self._holdings()
        given = {request.address + index: word for index, word in enumerate(request.words)}
        if not given.keys() <= known.keys():
            raise ModbusError(ExceptionCode.ADDRESS)
        table, chamber = self.table, self.chamber
        setpoint_degC = _float_in(given, table.holding_setpoint, SETPOINT_MIN_degC, SETPOINT_MAX_degC)
        ramp_K_per_min = _float_in(given, table.holding_ramp, RAMP_MIN_K_per_min, RAMP_MAX_K_per_min)
        on = given.get(table.holding_on)
        if on not in (None, 0, 1) or given.get(table.holding_spare, 0) != 0:
            raise ModbusError(ExceptionCode.VALUE)
        if ramp_K_per_min is not None:
            chamber.set_ramp(ramp_K_per_min)
        if setpoint_degC is not None:
            chamber.set_point(setpoint_degC)
        if on is not None:
            chamber.switch(bool(on))

    def _inputs(self) -> dict[int, int]:
        table, chamber = self.table, self.chamber
        return {
            table.input_state: int(chamber.state),
            table.input_alarm: int(chamber.alarm),
            **_float_words(table.input_temperature, chamber.reading_degC),
            **_float_words(table.input_followed, chamber.followed_degC),
        }

    def _holdings(self) -> dict[int, int]:
        table, chamber = self.table, self.chamber
        return {
            table.holding_on: int(chamber.on),
            table.holding_spare: 0,
            **_float_words(table.holding_setpoint, chamber.setpoint_degC),
            **_float_words(table.holding_ramp, chamber.ramp_K_per_min),
        }


def _float_words(address: int, value: float) -> dict[int, int]:
    high, low = words_from_float(value)
    return {address: high, address + 1: low}


def _float_in(given: Mapping[int, int], address: int, lowest: float, highest: float) -> float | None:
    """Return the float written at an address, None when it is not; refuse half of one and what is out of
    range.
    """
    halves = [given.get(address), given.get(address + 1)]
    if halves == [None, None]:
        return None
    high, low = halves
    if high is None or low is None:
        raise ModbusError(ExceptionCode.VALUE)
    value = float_from_words(high, low)
    # A float32 of 0.1 is a hair above 0.1, so the edges themselves are inside.
    if math.isnan(value) or not lowest <= value <= highest:
        raise ModbusError(ExceptionCode.VALUE)
    return value
