"""Takes what several runs have for the disk through the store's thread in one go.

One poll of an instrument gives a few rows for each of its channels; a thread change for each of them costs more than
the writing. A run whose part the disk refuses is told so; the others are stored all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labctl.engine import hooks
from labctl.model.record import RecordBlock
from labctl.store.receipt import Receipt
from labctl.store.runwriter import RunWriter


@dataclass(slots=True)
class Portion:
    """What one run has for the disk: a block with its receipt, or notes alone."""

    writer: RunWriter
    block: RecordBlock | None = None
    receipt: Receipt | None = None
    events: Sequence[Mapping[str, Any]] = ()
    ambient: Sequence[tuple[float, float | None, int]] = ()
    columns: Mapping[str, Any] | None = None
    trouble: list[Exception] = field(default_factory=list)
    """Why it is not durable: a StoreError where the disk refused, anything else is worse; empty when all is well."""


def write_portions(portions: Sequence[Portion]) -> None:
    """Write and make durable, in the order given; runs in the store's thread.

    All is written first and then synced together: a busy disk takes hundreds of syncs at once in the time of few.
    """
    _each(portions, _append)
    RunWriter.sync_together([portion.writer for portion in portions if not portion.trouble])
    _each(portions, _commit)


def _each(portions: Sequence[Portion], act: Callable[[Portion], None]) -> None:
    for portion in portions:
        if portion.trouble:
            continue
        try:
            act(portion)
        except (
            Exception
        ) as error:  # told to the run in ``stored``: the other runs' rows are stored all the same
            portion.trouble.append(error)


def _append(portion: Portion) -> None:
    writer = portion.writer
    for event in portion.events:
        fields = dict(event)
        writer.event(fields.pop("kind"), **fields)
    for time_s, temperature_degC, quality in portion.ambient:
        writer.ambient(time_s, temperature_degC, quality)
    if portion.block is not None and portion.receipt is not None:
        writer.append(portion.block, portion.receipt)
        hooks.point("block.appended")


def _commit(portion: Portion) -> None:
    writer = portion.writer
    writer.commit()
    if portion.block is not None:
        hooks.point("block.committed")
    if portion.columns is not None:
        writer.write_cycles(portion.columns)
