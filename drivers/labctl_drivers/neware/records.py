"""Detail records into columns: a page straight into numpy, unreadable values as BAD, never as a guess.

One row on the wire, all of one step: ``testtime`` in ms since the step began, ``cap`` and ``eng`` of the step and
never negative, ``curr`` signed (charge positive). Source: neware-bts.md section 4.1; I04, F13.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labctl.errors import WireError
from labctl.model.record import DEVICE_COLUMNS, QUALITY_BAD, QUALITY_GOOD, DeviceBlock
from labctl_drivers.neware.rows import Columns, are_integers, have_number_letters, integer, number
from labctl_drivers.neware.words import STEP_TYPE_BY_WORD, STEP_TYPE_OTHER

MS_PER_S: Final = 1000.0
CLOCK_CHARACTERS: Final = 19

_INTEGER_COLUMNS = {"device_sequence": "seqid", "device_step": "stepid", "device_cycle": "cycleid"}
_NUMBER_COLUMNS = {
    "voltage_volt": "volt",
    "current_ampere": "curr",
    "step_capacity_ah": "cap",
    "step_energy_wh": "eng",
}
_CLOCK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_CLOCK_MARKS = ((4, b"-"), (7, b"-"), (10, b" "), (13, b":"), (16, b":"))
_WIRE_NAMES = frozenset(
    {*_INTEGER_COLUMNS.values(), *_NUMBER_COLUMNS.values(), "testtime", "steptype", "atime"}
)
_INT32_MAX = 2**31 - 1


def block_from_columns(columns: Columns) -> DeviceBlock | None:
    """Turn text columns into a block; None when any value needs the careful path."""
    if columns.count == 0:
        return DeviceBlock.empty(DEVICE_COLUMNS)
    values = columns.values
    if columns.texts is not None or not values.keys() >= _WIRE_NAMES:
        return None
    # Columns of one kind are checked and converted together: most pages are short, and each call has its price.
    integers = _integers(
        [*values["testtime"], *chain.from_iterable(map(values.__getitem__, _INTEGER_COLUMNS.values()))]
    )
    step_types = list(map(STEP_TYPE_BY_WORD.get, values["steptype"]))
    clock = _clocks(values["atime"])
    numbers = _numbers([*chain.from_iterable(map(values.__getitem__, _NUMBER_COLUMNS.values()))])
    if integers is None or numbers is None or clock is None or None in step_types:
        return None
    times_ms, *places = integers.reshape(-1, columns.count)
    if int(integers[columns.count :].max()) > _INT32_MAX:
        return None
    block: dict[str, NDArray[Any]] = {
        name: array.astype(DEVICE_COLUMNS[name], copy=False)
        for name, array in zip(_INTEGER_COLUMNS, places, strict=True)
    }
    block |= zip(_NUMBER_COLUMNS, numbers.reshape(-1, columns.count), strict=True)
    if min(block["step_capacity_ah"].min(), block["step_energy_wh"].min()) < 0.0:
        return None
    block["step_type"] = np.array(step_types, dtype=DEVICE_COLUMNS["step_type"])
    block["step_time_second"] = times_ms / MS_PER_S
    block["device_clock"] = clock
    block["quality"] = np.full(columns.count, QUALITY_GOOD, dtype=DEVICE_COLUMNS["quality"])
    return DeviceBlock({name: block[name] for name in DEVICE_COLUMNS})


def _integers(column: list[bytes]) -> NDArray[np.int64] | None:
    if not are_integers(column):
        return None
    return np.array(list(map(int, column)), dtype=np.int64)


def _numbers(column: list[bytes]) -> NDArray[np.float64] | None:
    if not have_number_letters(column):
        return None
    try:
        array = np.array(list(map(float, column)), dtype=np.float64)
    except ValueError:
        return None
    return array if np.isfinite(array).all() else None


def _clocks(column: list[bytes]) -> NDArray[np.bytes_] | None:
    """Check ``YYYY-MM-DD hh:mm:ss`` for a whole column at once; shape (n,) S19."""
    joined = b"".join(column)
    if len(joined) != CLOCK_CHARACTERS * len(column) or len(max(column, key=len)) != CLOCK_CHARACTERS:
        return None
    for place, mark in _CLOCK_MARKS:
        if joined[place::CLOCK_CHARACTERS] != mark * len(column):
            return None
    if len(joined.translate(None, b"0123456789")) != 5 * len(column):
        return None
    return np.frombuffer(joined, dtype=f"S{CLOCK_CHARACTERS}").copy()


def block_from_rows(rows: Sequence[Mapping[str, str]]) -> DeviceBlock:
    """Turn attribute rows into a block. A row without its numbers stays, with NaN and quality BAD.

    Raises: WireError when a row cannot be placed at all (record, step or cycle number unreadable).
    """
    block: dict[str, NDArray[Any]] = {
        name: np.zeros(len(rows), dtype=dtype) for name, dtype in DEVICE_COLUMNS.items()
    }
    for position, row in enumerate(rows):
        for name, wire_name in _INTEGER_COLUMNS.items():
            block[name][position] = _place_number(row.get(wire_name), wire_name)
        readings = {name: number(row.get(wire_name)) for name, wire_name in _NUMBER_COLUMNS.items()}
        readings["step_time_second"] = number(row.get("testtime"), MS_PER_S)
        for name in ("step_capacity_ah", "step_energy_wh", "step_time_second"):
            if readings[name] < 0.0:
                readings[name] = float("nan")
        for name, value in readings.items():
            block[name][position] = value
        bad = any(value != value for value in readings.values())
        block["quality"][position] = QUALITY_BAD if bad else QUALITY_GOOD
        word = row.get("steptype", "").encode()
        block["step_type"][position] = STEP_TYPE_BY_WORD.get(word, STEP_TYPE_OTHER)
        clock = row.get("atime", "")
        block["device_clock"][position] = clock.encode() if _CLOCK.fullmatch(clock) else b""
    return DeviceBlock(block)


def _place_number(text: str | None, wire_name: str) -> int:
    """Read a record, step or cycle number. Raises: WireError."""
    value = integer(text, wire_name)
    if not 0 <= value <= _INT32_MAX:
        raise WireError(f"{wire_name} is {value}", rule="4.1 detail record")
    return value
