"""Write a run until killed: sigkill_writer.py ROOT RUN ROWS_PER_FILE. Prints each acknowledged sequence.

Used by test_sigkill.py and by benchmarks/bench_store.py (row B3).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.store import names
from labctl.store.root import DataRoot
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows

BLOCK_ROWS = 64
SOURCE_ROWS = 20_000


def main() -> None:
    root = DataRoot(Path(sys.argv[1])).lock("sigkill test")
    run_id = RunId(sys.argv[2])
    names.ROWS_PER_FILE = int(sys.argv[3])
    source = cycling_rows(SOURCE_ROWS)
    try:
        writer = RunWriter.reopen(root, run_id)
    except StoreError:
        writer = RunWriter.create(root, run_id, {"state": "running"}, datetime(2026, 1, 1, tzinfo=UTC))
    sys.stdout.write(f"{writer.last_sequence}\n")
    sys.stdout.flush()
    receipt = Receipt("2026-01-01T00:00:00Z", 0.0, "sigkill test")
    while writer.last_sequence < SOURCE_ROWS:
        first = writer.last_sequence
        writer.append(source.rows(first, min(first + BLOCK_ROWS, SOURCE_ROWS)), receipt)
        writer.event("block", first=first + 1)
        if first % (4 * BLOCK_ROWS) == 0:
            writer.journal("decision", first=first + 1)
            writer.update_manifest(step=first + 1)
        sys.stdout.write(f"{writer.commit()}\n")
        sys.stdout.flush()
    sys.stdout.write("done\n")
    sys.stdout.flush()
    writer.finish(None)


if __name__ == "__main__":
    main()
