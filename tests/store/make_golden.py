"""Write the golden run folder of this schema: make_golden.py FOLDER. Run once per schema, never to make a test pass."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime

from labctl.model.ids import RunId
from labctl.store import names
from labctl.store.root import DataRoot
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows


def main() -> None:
    names.ROWS_PER_FILE = 64
    with tempfile.TemporaryDirectory() as folder:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        manifest = {"cell": {"cell_id": "C1", "name": "电池", "kind": "symmetric"}, "state": "running"}
        writer = RunWriter.create(DataRoot(folder), RunId("golden"), manifest, start)
        writer.append(cycling_rows(100), Receipt("2026-01-01T00:16:40Z", 12.5, "neware:1-1/test 1"))
        writer.event("note", text="seen")
        writer.ambient(5.0, 25.0)
        writer.journal("start", command="start 1-1")
        writer.commit()
        writer.close()
        log = writer.folder / "records-0002.log"
        log.write_bytes(log.read_bytes().rstrip(b"\0"))  # preallocated room only makes the repository larger
        shutil.copytree(writer.folder, sys.argv[1])


if __name__ == "__main__":
    main()
