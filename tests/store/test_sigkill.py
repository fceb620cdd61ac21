"""SIGKILL of a real writing process at random moments: nothing acknowledged is lost, no file is unreadable (B3, I01).

``LABCTL_KILLS`` sets how many kills (default 20; the budget's 200 take about five minutes).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from labctl.model.ids import RunId
from labctl.store import names, parquet
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import RunWriter
from labctl.testing.rows import cycling_rows

SCRIPT = Path(__file__).with_name("sigkill_writer.py")
ROWS_PER_FILE = 700


def killed_after(root: Path, run_id: str, lines: int) -> int:
    """Run the writer, kill it once it has acknowledged so many blocks, return the last acknowledged row."""
    command = [sys.executable, str(SCRIPT), str(root), run_id, str(ROWS_PER_FILE)]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            said.append(line)
            if len(said) >= lines:
                break
        writer.kill()
        said += writer.stdout.readlines()  # what it said before the kill took effect counts too
    whole = [line for line in said if line.endswith("\n") and line != "done\n"]
    return int(whole[-1]) if whole else 0


@pytest.mark.slow
def test_no_acknowledged_row_is_lost_by_a_kill_at_a_random_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "ROWS_PER_FILE", ROWS_PER_FILE)
    kills = int(os.environ.get("LABCTL_KILLS", "20"))
    moments = random.Random(20261123)
    source = cycling_rows(20_000)
    number = 0
    acknowledged = 20_000
    for _ in range(kills):
        if acknowledged >= 20_000:
            number += 1
            acknowledged = 0
        run_id = f"run-{number}"
        acknowledged = max(acknowledged, killed_after(tmp_path, run_id, moments.randint(1, 60)))
        root = DataRoot(tmp_path)
        reader = RunReader(root.run_folder(run_id))
        rows = reader.records()
        assert len(rows) >= acknowledged
        assert parquet.same_rows(rows, source.rows(0, len(rows)))
        assert reader.verify() == []
    with DataRoot(tmp_path).lock() as root:
        writer = RunWriter.reopen(root, RunId(f"run-{number}"))
        last = writer.last_sequence
        writer.finish(None)
    reader = RunReader(writer.folder)
    assert parquet.same_rows(reader.records(), source.rows(0, last))
    assert reader.verify() == []
    firsts = [event["first"] for event in reader.events()]
    assert len(firsts) == len(set(firsts))
