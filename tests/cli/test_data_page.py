"""docs/data.md as a promise: its examples read a stored run with pyarrow and pandas alone."""

from __future__ import annotations

import re
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labctl.model.ids import RunId
from labctl.model.record import RECORD_COLUMNS
from labctl.store.lines import encode_line
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
ROWS = 40_000
"""More than one records file holds."""
WIRE = """{"event": "begin", "instrument": "neware"}

{"time_s": 0.5, "link": "neware/1", "event": "in", "data": "3c62"}
{"time_s": 0.6, "link": "neware/2", "event": "in", "data": "00"}
{"time_s": 0.7, "link": "neware/1", "event": "in", "data": "7473"}
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> RunReader:
    """A run that has ended, with a row behind its end, a chamber reading and two records files."""
    utc = datetime(2026, 1, 1, tzinfo=UTC)
    manifest = {"cell": {"name": "电池"}, "started_utc": utc.isoformat()}
    with DataRoot(tmp_path_factory.mktemp("page") / "data") as root:
        writer = RunWriter.create(root, RunId("R1"), manifest, utc)
        writer.append(cycling_rows(ROWS), Receipt("2026-01-01T00:00:00Z", 1.0, "test"))
        writer.ambient(0.0, 25.0, 0)
        writer.commit()
        writer.update_manifest(state="ended", outcome="short", end_sequence=ROWS - 1)
        writer.finish(ROWS - 1)
        return RunReader(writer.folder)


def run_example(number: int, reader: RunReader, tmp_path: Path) -> dict[str, Any]:
    script = tmp_path / "example.py"
    script.write_text(EXAMPLES[number], encoding="utf-8")
    wire = tmp_path / "neware.log"
    wire.write_text(WIRE, encoding="utf-8")
    return runpy.run_path(str(script), init_globals={"folder": str(reader.folder), "wire": str(wire)})


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_data_page_runs(number: int, reader: RunReader, tmp_path: Path) -> None:
    assert "import labctl" not in EXAMPLES[number] and "from labctl" not in EXAMPLES[number]
    assert run_example(number, reader, tmp_path)


def test_the_first_example_sees_all_rows_up_to_the_end(reader: RunReader, tmp_path: Path) -> None:
    assert run_example(0, reader, tmp_path)["table"].num_rows == reader.last_sequence == ROWS - 1


def test_the_page_works_out_the_digest_that_labctl_prints(reader: RunReader, tmp_path: Path) -> None:
    (number,) = [place for place, text in enumerate(EXAMPLES) if "labctl.records/1" in text]
    assert run_example(number, reader, tmp_path)["digest"] == reader.digest()


@pytest.mark.parametrize("changed", [False, True])
def test_the_page_finds_a_changed_line_in_a_chain(reader: RunReader, tmp_path: Path, changed: bool) -> None:
    check, lines = "", []
    for number in (1, 2, 3):
        line = encode_line(number, {"what": f"act {number}"}, previous=check)
        check = line.check
        lines.append(line.raw)
    if changed:
        lines[1] = lines[1].replace(b"act 2", b"act 9")
    cells = reader.folder.parents[3] / "cells.jsonl"
    cells.write_bytes(b"".join(lines))
    (number,) = [place for place, text in enumerate(EXAMPLES) if "broken" in text]
    assert run_example(number, reader, tmp_path)["broken"] == ([2] if changed else [])


def test_the_page_puts_together_what_an_instrument_said(reader: RunReader, tmp_path: Path) -> None:
    (number,) = [place for place, text in enumerate(EXAMPLES) if "fromhex" in text]
    assert run_example(number, reader, tmp_path)["said"] == b"<bts"


def test_every_stored_column_is_explained() -> None:
    assert [name for name in RECORD_COLUMNS if f"`{name}`" not in PAGE] == []
