"""What is written of a run when it ends, besides its outcome: the last summary and how long it was."""

from __future__ import annotations

from typing import Any

from labctl.analysis.cycles import CycleTable
from labctl.engine.machines.detect import Detector
from labctl.engine.machines.findings import EndDecision, Outcome
from labctl.engine.machines.follow import Position
from labctl.model.program import CellFacts
from labctl.store.disk import Disk
from labctl.store.runreader import RunReader
from labctl.store.runwriter import RunWriter


def last_summary(
    writer: RunWriter,
    disk: Disk,
    cell: CellFacts,
    table: CycleTable,
    position: Position,
    decision: EndDecision,
) -> dict[str, Any]:
    """Write the cycles of the rows that count; runs in the store's thread. Raises: StoreError.

    Returns what the manifest says of them, so that a list of a thousand ended runs opens no records file: how many they
    are (``rows``) and the test time of the last in seconds (``test_time_s``).
    """
    rows, test_time_s = position.sequence, position.test_time_s
    if not rows:
        return {"rows": 0, "test_time_s": 0.0}
    if decision.sequence is not None and decision.sequence < rows:
        reader = RunReader(writer.folder, disk=disk)
        detector, rows, test_time_s = Detector((), cell), 0, 0.0
        for block in reader.blocks(last=decision.sequence):
            detector.feed(block)
            rows, test_time_s = int(block["sequence"][-1]), float(block["test_time_second"][-1])
        table = detector.table
    writer.write_cycles(table.columns(ended=decision.outcome is Outcome.FINISHED))
    return {"rows": rows, "test_time_s": test_time_s}
