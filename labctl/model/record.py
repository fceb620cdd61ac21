"""Columnar blocks of records: what a driver delivers and what a run stores. Never one object per record.

Two kinds of block, because two parties speak: a **device block** is what the instrument said about one of its
tests,
a **record block** is the same rows as rows of a run (running sequence, test time, cycle and step counts that
go on
over the segments). Column names of record blocks are the Battery Data Format's machine names where it has
one.

Wall-clock text of the device (``device_clock``) travels with the rows, is stored beside them and takes no
part in the
digest: a run repeated at another speed must give the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from labctl.model.program import StepMode

STEP_TYPE_CODES: dict[StepMode, int] = {
    StepMode.REST: 0,
    StepMode.CC_CHARGE: 1,
    StepMode.CC_DISCHARGE: 2,
    StepMode.CV_CHARGE: 3,
    StepMode.CV_DISCHARGE: 4,
    StepMode.CCCV_CHARGE: 5,
    StepMode.CCCV_DISCHARGE: 6,
    StepMode.PAUSE: 7,
}
STEP_TYPE_NAMES: tuple[str, ...] = (
    "REST", "CC_CHG", "CC_DCHG", "CV_CHG", "CV_DCHG", "CCCV_CHG", "CCCV_DCHG", "PAUSE",
)  # fmt: skip
CHARGE_CODES = (1, 3, 5)
DISCHARGE_CODES = (2, 4, 6)

QUALITY_GOOD = 0
QUALITY_BAD = 1

DEVICE_COLUMNS: dict[str, str] = {
    "device_sequence": "<i8",  # seqid, 1-based, without gaps
    "device_step": "<i4",  # step number in the device's own program
    "device_cycle": "<i4",
    "step_type": "<i1",  # STEP_TYPE_CODES
    "step_time_second": "<f8",
    "voltage_volt": "<f8",
    "current_ampere": "<f8",
    "step_capacity_ah": "<f8",  # charge passed in this step, >= 0
    "step_energy_wh": "<f8",
    "device_clock": "S19",  # YYYY-MM-DD hh:mm:ss as the instrument wrote it
    "quality": "<i1",
}

RECORD_COLUMNS: dict[str, str] = {
    "sequence": "<i8",  # of the run, 1-based, without gaps
    "test_time_second": "<f8",  # of the run; open-circuit time between segments is not counted
    "voltage_volt": "<f8",
    "current_ampere": "<f8",
    "cycle_count": "<i4",
    "step_count": "<i4",  # executed steps from 1, never repeats
    "step_id": "<i4",  # Step.step_id of the program
    "step_type": "<i1",
    "step_time_second": "<f8",
    "step_capacity_ah": "<f8",
    "step_energy_wh": "<f8",
    "segment": "<i4",  # device tests of this run, from 1
    "device_sequence": "<i8",
    "device_step": "<i4",
    "device_cycle": "<i4",
    "quality": "<i1",
}
SIDE_COLUMNS: dict[str, str] = {"device_clock": "S19"}
"""Stored beside the records, not part of the digest."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Equal-length columns by name. Arrays are not copied; do not write to them."""

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def rows(self, start: int, stop: int | None = None) -> Self:
        """Return the rows ``start:stop`` as views."""
        return type(self)({name: column[start:stop] for name, column in self.columns.items()})

    @classmethod
    def empty(cls, columns: Mapping[str, str]) -> Self:
        """Return a block without rows."""
        return cls({name: np.empty(0, dtype=dtype) for name, dtype in columns.items()})

    @classmethod
    def joined(cls, blocks: Sequence[Self]) -> Self:
        """Return one block with the rows of all, in order. Needs at least one block."""
        names = blocks[0].columns
        return cls({name: np.concatenate([block.columns[name] for block in blocks]) for name in names})


class DeviceBlock(Block):
    """Rows of one device test; columns are ``DEVICE_COLUMNS``."""

    __slots__ = ()


class RecordBlock(Block):
    """Rows of a run; columns are ``RECORD_COLUMNS`` and ``SIDE_COLUMNS``."""

    __slots__ = ()
