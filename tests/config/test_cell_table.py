"""Tables of cells: what is read, what is refused, and how the refusal reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from labctl.config.celltable import outliers, read_cell_table
from labctl.errors import UserFileError
from labctl.model.cell import CellKind


def table(tmp_path: Path, text: str, name: str = "cells.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_with_units_in_the_header_gives_cells(tmp_path: Path) -> None:
    path = table(
        tmp_path, "cell_id,name,kind,diameter_mm,active_mass_mg\nC1,Zn 7,symmetric,10,\nC2,,lfp_li,10,0.924\n"
    )
    read = read_cell_table(path)
    assert read.findings == ()
    assert [cell.cell_id for cell in read.cells] == ["C1", "C2"]
    assert read.cells[0].kind is CellKind.SYMMETRIC
    assert read.cells[0].effective_area_cm2 == pytest.approx(0.785398, abs=1e-6)
    assert read.cells[1].name == "C2"
    assert read.cells[1].active_mass_mg == 0.924


def test_other_units_in_the_header_are_converted(tmp_path: Path) -> None:
    path = table(tmp_path, "cell_id;kind;active_mass_g;area_mm2\nC1;lfp_li;0.000924;78.5\n")
    (cell,) = read_cell_table(path).cells
    assert cell.active_mass_mg == pytest.approx(0.924)
    assert cell.area_cm2 == pytest.approx(0.785)


def test_an_xlsx_sheet_gives_the_same_cells_as_the_csv(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["cell_id", "kind", "diameter_mm"])
    sheet.append(["C1", "symmetric", 12])
    book.save(tmp_path / "cells.xlsx")
    csv_path = table(tmp_path, "cell_id,kind,diameter_mm\nC1,symmetric,12\n")
    assert read_cell_table(tmp_path / "cells.xlsx") == read_cell_table(csv_path)


def test_a_formula_is_never_computed(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["cell_id", "kind", "diameter_mm"])
    sheet.append(["C1", "symmetric", "=5+5"])
    book.save(tmp_path / "cells.xlsx")
    read = read_cell_table(tmp_path / "cells.xlsx")
    assert read.cells == ()
    assert "=5+5" in str(read.findings[0])


@pytest.mark.parametrize(
    ("row", "column", "phrase"),
    [
        ("C 1,symmetric,10", "cell_id", "is no id"),
        ("C1,symetric,10", "kind", "Did you mean 'symmetric'?"),
        ("C1,symmetric,10 mm", "diameter_mm", "without a unit"),
        ("C1,symmetric,-10", "diameter_mm", "above 0"),
        ("C1,symmetric,nan", "diameter_mm", "above 0"),
    ],
)
def test_a_refused_value_names_row_column_and_fix(tmp_path: Path, row: str, column: str, phrase: str) -> None:
    read = read_cell_table(table(tmp_path, f"cell_id,kind,diameter_mm\nC0,symmetric,10\n{row}\n"))
    assert [cell.cell_id for cell in read.cells] == ["C0"], "the good row is kept"
    (finding,) = read.findings
    assert (finding.row, finding.column) == (3, column)
    assert phrase in finding.problem


def test_a_cell_that_stands_twice_is_named_with_both_rows(tmp_path: Path) -> None:
    read = read_cell_table(table(tmp_path, "cell_id,kind\nC1,symmetric\nC1,symmetric\n"))
    assert "row 2 too" in str(read.findings[0])


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("", "is empty"),
        ("cell_id,kind,diametre_mm\n", "Did you mean 'diameter_mm'?"),
        ("cell_id,diameter_mm\n", "no column 'kind'"),
        ("cell_id,kind\0\n", "binary"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_fix(tmp_path: Path, text: str, phrase: str) -> None:
    with pytest.raises(UserFileError) as refused:
        read_cell_table(table(tmp_path, text))
    assert phrase in str(refused.value)
    assert "cells.csv" in str(refused.value)


def test_a_broken_xlsx_and_a_missing_file_are_refused_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "cells.xlsx").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(UserFileError, match="not a readable XLSX"):
        read_cell_table(tmp_path / "cells.xlsx")
    with pytest.raises(UserFileError, match="cannot be read"):
        read_cell_table(tmp_path / "none.csv")


def test_a_mass_three_times_off_its_batch_is_asked_about(tmp_path: Path) -> None:
    rows = "".join(f"C{n},lfp_li,{mass}\n" for n, mass in enumerate((0.92, 0.93, 0.91, 9.2)))
    cells = read_cell_table(table(tmp_path, f"cell_id,kind,active_mass_mg\n{rows}")).cells
    (note,) = outliers(cells)
    assert note.startswith("C3: active_mass_mg 9.2")
