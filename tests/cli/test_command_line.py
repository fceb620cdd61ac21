"""The command line as scripts and people meet it: exit codes, JSON on standard output, one-paragraph errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labctl.cli.app import VERBS, main


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    out, err = capsys.readouterr()
    return code, out, err


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "--help")
    assert code == 0
    assert all(f"  {verb.name} " in out for verb in VERBS)


def test_no_words_and_unknown_words_are_usage_errors_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys)[0] == 2
    code, out, err = call(capsys, "protocls")
    assert (code, out) == (2, "")
    assert "Did you mean 'protocols'?" in err


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_json_may_stand_before_or_after_the_sub_verb(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call(
        capsys,
        "cells",
        "add",
        "C1",
        "--kind",
        "symmetric",
        "--diameter-mm",
        "10",
        "--data",
        str(tmp_path / "d"),
    )
    before = call(capsys, "cells", "--json", "list", "--data", str(tmp_path / "d"))
    after = call(capsys, "cells", "list", "--json", "--data", str(tmp_path / "d"))
    assert before == after
    (cell,) = json.loads(before[1])
    assert (cell["cell_id"], cell["kind"], cell["diameter_mm"]) == ("C1", "symmetric", 10.0)


def test_a_registered_cell_is_shown_and_not_registered_twice(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = str(tmp_path / "d")
    assert (
        call(capsys, "cells", "add", "C1", "--kind", "lfp_li", "--active-mass-mg", "0.924", "--data", data)[0]
        == 0
    )
    code, out, _ = call(capsys, "cells", "show", "C1", "--data", data)
    assert code == 0
    assert "0.924" in out
    code, _, err = call(capsys, "cells", "add", "C1", "--kind", "lfp_li", "--data", data)
    assert code == 2
    assert "registered already" in err


def test_an_import_with_a_bad_row_keeps_the_good_ones_and_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("cell_id,kind\nC1,symmetric\nC2,lfp\n", encoding="utf-8")
    code, out, _ = call(capsys, "cells", "import", str(table), "--json", "--data", str(tmp_path / "d"))
    assert code == 1
    report = json.loads(out)
    assert report["added"] == ["C1"]
    assert "row 3, column kind" in report["refused"][0]


def test_a_changed_cell_becomes_a_new_revision_only_when_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = str(tmp_path / "d")
    table = tmp_path / "cells.csv"
    table.write_text("cell_id,kind,diameter_mm\nC1,symmetric,10\n", encoding="utf-8")
    call(capsys, "cells", "import", str(table), "--data", data)
    table.write_text("cell_id,kind,diameter_mm\nC1,symmetric,12\n", encoding="utf-8")
    assert call(capsys, "cells", "import", str(table), "--data", data)[0] == 1
    code, out, _ = call(capsys, "cells", "import", str(table), "--update", "--json", "--data", data)
    assert code == 0
    assert json.loads(out)["updated"] == ["C1"]


def test_a_missing_data_root_is_told_with_the_way_to_begin_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = call(capsys, "cells", "list", "--data", str(tmp_path / "none"))
    assert (code, out) == (2, "")
    assert "labctl cells add" in err


def test_an_empty_data_root_verifies_and_rebuilds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = str(tmp_path / "d")
    call(capsys, "cells", "add", "C1", "--kind", "symmetric", "--data", data)
    assert call(capsys, "store", "verify", "--json", "--data", data)[:2] == (0, "[]\n")
    code, out, _ = call(capsys, "store", "rebuild", "--json", "--data", data)
    assert code == 0
    assert json.loads(out)["cells"] == 1
    assert call(capsys, "cells", "list", "--json", "--data", data)[1].count("C1") == 2


def test_what_the_library_says_holds_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "protocols", "list", "--json")
    assert code == 0
    for entry in json.loads(out):
        assert entry["description"].isprintable(), entry["name"]
