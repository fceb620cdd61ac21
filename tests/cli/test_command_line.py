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


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (bytes(range(128, 256)), "not UTF-8"),
        (b"", "is empty"),
        (b"cell_id,kindd\nA,symmetric\n", "Did you mean 'kind'?"),
        (b'cell_id,kind\n"' + b"A" * 300_000 + b'",symmetric\n', "not a readable CSV table"),
        (b"PK\x03\x04 junk", "XLSX"),
    ],
)
def test_a_table_that_is_none_is_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, hint: str
) -> None:
    table = tmp_path / "Zellen ä.csv"
    table.write_bytes(content)
    code, out, err = call(capsys, "cells", "import", str(table), "--data", str(tmp_path / "d"))
    assert (code, out) == (1, "")
    assert hint in err and table.name in err and "bug in labctl" not in err
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("verb", ["runs", "cells", "store"])
def test_a_data_root_that_is_a_file_or_a_strange_folder_is_left_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: str
) -> None:
    what = "verify" if verb == "store" else "list"
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    code, _, err = call(capsys, verb, what, "--data", str(file))
    assert (code, "is a file" in err, file.read_text(encoding="utf-8")) == (2, True, "mine")
    code, _, err = call(capsys, verb, what, "--data", str(tmp_path))
    assert (code, "is not a data root" in err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
