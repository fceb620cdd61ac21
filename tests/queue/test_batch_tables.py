"""Batches from tables: CSV, XLSX and pasted cells; every slip with its row and column."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from labctl.errors import ProgramError, UserFileError
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, AfterWhen, JobState
from labctl.station.batchtable import read_batch
from labctl.station.queueing import QueueKeeper
from labctl.testing.queuebench import CHEN, FakeEngine, QueueBench

PAGE = (Path(__file__).parents[2] / "docs" / "queue.md").read_text(encoding="utf-8")


def example() -> str:
    """Return the table of the documentation."""
    found = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_example_of_the_documentation_becomes_what_it_says() -> None:
    table = read_batch("batch.csv", example().encode(), {"protocol": "p1-li-li-1mA", "stagger": "30 s"})
    assert table.findings == ()
    first, second, third = table.specs
    assert (first.cell_id, first.channel, first.label) == ("C0001", ChannelId("neware:1-1"), "first")
    assert {spec.protocol for spec in table.specs} == {"p1-li-li-1mA"}
    assert {spec.stagger_s for spec in table.specs} == {30.0}
    assert second.variables == {"cycles": "50"} and second.after == ()
    assert third.after == (After("first"),) and third.notes == "after the short run"


def test_pasted_cells_and_semicolons_are_read_and_own_values_win_over_defaults() -> None:
    for mark in ("\t", ";", ","):
        header = ["cell", "slot", "stagger_s", "hold", "after", "retry_times", "retry_pause", "channels"]
        values = ["C1", "neware:1-2", "90", "yes", "any:j-4", "2", "10 min", ""]
        data = "\n".join(mark.join(row) for row in (header, values)).encode()
        (spec,) = read_batch("paste", data, {"protocol": "p", "stagger": "1 s"}).specs
        assert spec.cell_id == CellId("C1") and spec.stagger_s == 90.0 and spec.hold
        assert spec.after == (After("j-4", AfterWhen.ANY),)
        assert (spec.retry.times, spec.retry.pause_s) == (2, 600.0)


def test_sheet_with_numbers_and_moments_is_read() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["cell_id", "protocol", "priority", "not_before"])
    sheet.append(["C1", "p", 3.0, datetime(2026, 1, 31, 8)])
    file = io.BytesIO()
    book.save(file)
    (spec,) = read_batch("batch.xlsx", file.getvalue(), {}).specs
    assert spec.priority == 3 and spec.not_before_utc == "2026-01-31T08:00:00"


def test_formula_is_refused_and_never_computed() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["cell_id", "protocol", "priority"])
    sheet.append(["C1", "p", "=1+1"])
    file = io.BytesIO()
    book.save(file)
    table = read_batch("batch.xlsx", file.getvalue(), {})
    assert str(table.findings[0]) == (
        "row 2, column priority: is a formula, which is never computed: paste its value."
    )


def test_each_refused_value_is_told_with_row_and_column_and_the_others_are_read() -> None:
    text = (
        "cell_id,protocol,priority,stagger,hold,not_before,after\n"
        "C1,p,,,,,\nC/2,p,,,,,\nC3,,,,,,\nC4,p,1.5,,,,\nC5,p,,soon,,,\nC6,p,,,maybe,,\nC7,p,,,,monday,\n"
        "C8,p,,,,,never:j-1\n,,,,,,\n"
    )
    table = read_batch("batch.csv", text.encode(), {})
    assert [spec.cell_id for spec in table.specs] == ["C1"]
    assert [(finding.row, finding.column) for finding in table.findings] == [
        (3, "cell_id"), (4, "protocol"), (5, "priority"), (6, "stagger"), (7, "hold"), (8, "not_before"), (9, "after"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"cell_id,protokol\nC1,p\n", "batch:1:2: unknown column 'protokol'. Did you mean 'protocol'?"),
        (b"protocol\np\n", "has no column 'cell_id'"),
        (b"cell_id,cell_id\nC1,C1\n", "stands twice"),
        (b"cell_id\n", "has a header and no rows"),
        (b"\xff\xfe", "not UTF-8"),
        (b"cell_id\0", "binary"),
        (b"PK\x03\x04nothing", "not a readable XLSX"),
        (b"cell_id\n" + b"C1\n" * 7_000_000, "larger than 20 MB"),
    ],
)
def test_table_that_is_none_is_refused_as_a_whole(data: bytes, said: str) -> None:
    with pytest.raises(UserFileError, match=re.escape(said)):
        read_batch("batch", data, {})


def test_default_that_is_no_column_is_refused() -> None:
    with pytest.raises(UserFileError, match="default 'protokoll' is no column"):
        read_batch("batch", b"cell_id\nC1\n", {"protokoll": "p"})


def test_table_is_queued_through_the_keeper_with_library_protocols() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        data = b"cell_id,var:cycles\nC0001,2\nC0002,1\n"
        planned, calendar = await keeper.submit_table(
            CHEN, "b.csv", data, defaults={"protocol": "p1"}, dry_run=True
        )
        assert [plan.errors for plan in planned] == [(), ()] and len(calendar) == 2
        assert keeper.jobs() == ()
        with pytest.raises(ProgramError, match="row 2, column cell_id"):
            await keeper.submit_table(CHEN, "b.csv", b"cell_id\nC/1\n", defaults={"protocol": "p1"})
        await keeper.submit_table(CHEN, "b.csv", data, defaults={"protocol": "p1"})
        assert len(keeper.jobs()) == 2
        jobs = await bench.over(keeper)
        assert {job.state for job in jobs.values()} == {JobState.ENDED}

    bench.live(story)
