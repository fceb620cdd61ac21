"""Tables of cells, electrodes and batches: units converted, slips asked about, corrections, nothing half done."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import Workbook

from labctl.errors import UserFileError, UserInputError
from labctl.model.cell import EntryKind, ImportAction, ImportReport
from labctl.model.person import Actor, Role
from labctl.station.registry import Registry

ANA = Actor("Ana", Role.OPERATE, "test")
MASSES_mg = (0.92, 0.93, 0.91, 0.925)


def table(*extra: str, header: str = "Cell,kind,Active mass / mg,batch") -> bytes:
    rows = [f"C{n},lfp_li,{mass},B1" for n, mass in enumerate(MASSES_mg)]
    return "\n".join([header, *rows, *extra]).encode()


def actions(report: ImportReport) -> dict[str, ImportAction]:
    return {row.entry_id: row.action for row in report.rows}


def test_good_rows_are_stored_and_each_other_row_says_what_is_wrong(bench: Any) -> None:
    data = table("C7,lfp_li,9.2,B1", "C 8,lfp_li,0.9,B1", "C9,lfp,0.9,B1", "C10,,0.9,B1")

    async def act(registry: Registry) -> None:
        report = await registry.import_table(ANA, "cells.csv", data)
        assert [row.row for row in report.rows] == list(range(2, 10))
        assert report.count(ImportAction.NEW) == 4
        assert report.count(ImportAction.REFUSED) == 3
        assert actions(report)["C7"] is ImportAction.QUESTION
        assert [cell.cell_id for cell in registry.cells()] == ["C0", "C1", "C2", "C3"]
        assert registry.revisions("C0")[0].reason == "imported from cells.csv"

    bench.run(act)
    assert [line["what"] for line in bench.audit.lines] == ["cell.import"]


def test_a_dry_run_stores_nothing(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        report = await registry.import_table(ANA, "cells.csv", table(), dry_run=True)
        assert report.count(ImportAction.NEW) == 4
        assert registry.cells() == ()

    bench.run(act)
    assert bench.audit.lines == []


@pytest.mark.parametrize(
    ("written", "suggestion"), [("924", "0.924"), ("0.000924", "0.924"), ("9.24", "0.924")]
)
def test_a_slip_of_the_unit_or_the_point_is_asked_about_with_what_would_fit(
    bench: Any, written: str, suggestion: str
) -> None:
    data = table(f"C7,lfp_li,{written},B1")

    async def act(registry: Registry) -> None:
        report = await registry.import_table(ANA, "cells.csv", data)
        (question,) = next(row for row in report.rows if row.entry_id == "C7").questions
        assert (question.key, question.suggestion) == ("C7.active_mass_mg", suggestion)
        assert "off the median" in question.text
        answered = {question.key: question.suggestion}
        assert actions(await registry.import_table(ANA, "cells.csv", data, answers=answered)) == {
            "C0": ImportAction.SAME,
            "C1": ImportAction.SAME,
            "C2": ImportAction.SAME,
            "C3": ImportAction.SAME,
            "C7": ImportAction.NEW,
        }
        assert registry.cell("C7").active_mass_mg == pytest.approx(0.924)

    bench.run(act)


def test_a_value_that_was_kept_once_is_not_asked_about_again(bench: Any) -> None:
    data = table("C7,lfp_li,9.2,B1")

    async def act(registry: Registry) -> None:
        kept = await registry.import_table(ANA, "cells.csv", data, answers={"C7.active_mass_mg": "keep"})
        assert actions(kept)["C7"] is ImportAction.NEW
        assert actions(await registry.import_table(ANA, "cells.csv", data))["C7"] is ImportAction.SAME

    bench.run(act)


def test_in_a_large_batch_three_sigma_are_asked_about_too(bench: Any) -> None:
    rows = [f"C{n},lfp_li,{0.92 + 0.001 * (n % 5)},B1" for n in range(12)]
    data = "\n".join(
        ["cell_id,kind,active_mass_mg,batch", *rows, "C20,lfp_li,1.1,B1", "C21,lfp_li,0.95,B1"]
    ).encode()

    async def act(registry: Registry) -> None:
        report = await registry.import_table(ANA, "cells.csv", data)
        assert actions(report)["C20"] is ImportAction.QUESTION
        assert actions(report)["C21"] is ImportAction.NEW, "within a tenth nothing is asked"

    bench.run(act)


def test_a_table_corrects_known_cells_and_leaves_what_it_does_not_give(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        await registry.import_table(ANA, "cells.csv", table())
        weighed = b"cell_id\tmass [g]\tnotes\nC0\t0.00094\t\nC1\t0.00093\tok\n"
        report = await registry.import_table(ANA, "paste", weighed, reason="weighed again")
        rows = {row.entry_id: row for row in report.rows}
        assert rows["C0"].action is ImportAction.CHANGED
        assert rows["C0"].changes == ("active_mass_mg 0.92 -> 0.94",)
        assert rows["C1"].changes == ("notes not reported -> ok",)
        assert registry.cell("C0").batch == "B1"
        assert registry.revisions("C0")[1].reason == "weighed again"

    bench.run(act)


def test_electrodes_and_batches_come_from_tables_too(bench: Any) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(
        ["electrode_id", "material", "Diameter (cm)", "mass (mg)", "collector mass / mg", "active_fraction"]
    )
    sheet.append(["E1", "LFP", 1.2, 11.0, 10.0, 0.9])
    sheet.append(["E2", "LFP", 1.2, 11.0, "=B2", 0.9])
    stream = io.BytesIO()
    book.save(stream)

    async def act(registry: Registry) -> None:
        report = await registry.import_table(ANA, "e.xlsx", stream.getvalue(), kind=EntryKind.ELECTRODE)
        assert [row.action for row in report.rows] == [ImportAction.NEW, ImportAction.REFUSED]
        assert registry.electrode("E1").effective_active_mass_mg == pytest.approx(0.9)
        assert registry.electrode("E1").diameter_mm == pytest.approx(12.0)
        await registry.import_table(ANA, "b.csv", b"batch_id,electrolyte\nB1,LP30\n", kind=EntryKind.BATCH)
        assert registry.batch("B1").electrolyte == "LP30"

    bench.run(act)


def test_a_cell_made_of_an_unknown_electrode_is_refused_in_its_row(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        report = await registry.import_table(
            ANA, "c.csv", b"cell_id,kind,electrode\nC1,lfp_li,E9\nC2,lfp_li,\n"
        )
        assert [row.action for row in report.rows] == [ImportAction.REFUSED, ImportAction.NEW]
        assert "no electrode 'E9'" in report.rows[0].problems[0]

    bench.run(act)


@pytest.mark.parametrize(
    ("data", "phrase"),
    [
        (b"", "is empty"),
        (b"cell_id,kind,active mass\n", "Did you mean 'active_mass_mg'"),
        (b"kind\nlfp_li\n", "no column 'cell_id'"),
        (b"cell_id,active_mass_mg,mass [g]\n", "two columns give 'active_mass_mg'"),
        (b"PK\x03\x04zz", "not a readable XLSX"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_as_a_whole(bench: Any, data: bytes, phrase: str) -> None:
    async def act(registry: Registry) -> None:
        with pytest.raises(UserFileError, match=phrase):
            await registry.import_table(ANA, "t", data)

    bench.run(act)


def test_an_answer_that_is_no_number_is_refused(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        with pytest.raises(UserInputError, match="'keep' or a number"):
            await registry.import_table(ANA, "t", table(), answers={"C0.active_mass_mg": "yes"})

    bench.run(act)
