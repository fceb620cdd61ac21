"""``labctl run`` and ``labctl runs`` against a running bench: what works, and how it is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

P1 = ("p1-li-li-1mA", "--set", "cycles=2")


@pytest.fixture(scope="module")
def finished(lab: Any) -> dict[str, Any]:
    """P1, two cycles, on C0003: run to its end."""
    (result,) = lab.json("run", "--alone", *P1, "--cell", "C0003", "--channel", "neware:1-3")
    return dict(result)


def test_a_run_ends_as_its_protocol_says(lab: Any, finished: dict[str, Any]) -> None:
    assert (finished["state"], finished["outcome"], finished["cell"]) == ("ended", "finished", "LIQ-P")
    (entry,) = lab.json("runs", "list", "--cell", "C0003")
    assert (entry["run_id"], entry["state"], entry["channel"]) == (finished["run_id"], "ended", "neware:1-3")
    shown = lab.json("runs", "show", finished["run_id"])
    assert shown["rows"] == finished["rows"]
    assert shown["cycles"]["cycle"] == [1, 2]
    assert lab.json("runs", "follow", "C0003")["outcome"] == "finished"


def test_a_run_is_named_by_a_part_of_its_id_or_as_the_last(lab: Any, finished: dict[str, Any]) -> None:
    for word in (finished["run_id"], "C0003", "last"):
        (line,) = lab.json("store", "digest", word)
        assert line["run"] == finished["run_id"]
    call = lab.call("runs", "show", "C9999")
    assert call.code == 1
    assert "labctl runs list" in call.err


@pytest.mark.parametrize("kind", ["profile", "curves", "cycles", "polarisation", "dqdv"])
def test_each_figure_is_drawn(lab: Any, finished: dict[str, Any], tmp_path: Path, kind: str) -> None:
    target = tmp_path / "Bild ä" / f"{kind}.png"
    drawn = lab.json("runs", "plot", "last", "--kind", kind, "--format", "png", "--out", str(target))
    assert Path(drawn["figure"]).read_bytes().startswith(b"\x89PNG")


def test_each_export_holds_every_row(lab: Any, finished: dict[str, Any], tmp_path: Path) -> None:
    for name in ("bdf-csv", "neware-csv", "csv"):
        target = tmp_path / f"{name}.csv"
        lab.json("runs", "export", "last", "--format", name, "--out", str(target))
        with target.open(encoding="utf-8", newline="") as file:
            assert sum(1 for _ in csv.reader(file)) == finished["rows"] + 1
    target = tmp_path / "x.bdf.parquet"
    lab.json("runs", "export", "last", "--format", "bdf-parquet", "--profile", "0.1", "--out", str(target))
    assert pq.read_metadata(target).num_rows == finished["rows"]


def test_a_folder_is_no_target_for_exports_and_figures(
    lab: Any, finished: dict[str, Any], tmp_path: Path
) -> None:
    for verb in ("export", "plot"):
        call = lab.call("runs", verb, "last", "--out", str(tmp_path))
        assert (call.code, "name a file" in call.err) == (2, True)


def test_a_dry_run_shows_the_program_and_stores_nothing(lab: Any, finished: dict[str, Any]) -> None:
    before = lab.json("runs", "list")
    review = lab.json("run", *P1, "--cell", "C0004", "--channel", "neware:1-4", "--dry-run")
    assert review["estimate"]["cycles"] == 2
    assert any("0.785398 mA" in line for line in review["sentences"])
    assert lab.json("runs", "list") == before


REFUSALS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "unknown protocol": (("p9", "--cell", "C0003", "--channel", "neware:1-3"), 2, "Known: ccd-staircase"),
    "unknown cell": (("p1", "--cell", "C9", "--channel", "neware:1-3"), 2, "Registered: C0001"),
    "unknown channel": (("p1", "--cell", "C0003", "--channel", "neware:9-9"), 2, "neware:9-9"),
    "unknown instrument": (("p1", "--cell", "C0003", "--channel", "biologic:1-1"), 2, "biologic"),
    "no channel": (("p1", "--cell", "C0003", "--channel", "1-3"), 2, "1-3"),
    "wrong kind": (("p1", "--cell", "C0007", "--channel", "neware:1-7"), 1, "registered as 'lto_li'"),
    "unknown variable": (
        (*P1, "--set", "cycle=3", "--cell", "C0003", "--channel", "neware:1-3"),
        2,
        "'cycles'",
    ),
    "no value": ((*P1, "--set", "cycles", "--cell", "C0003", "--channel", "neware:1-3"), 2, "NAME=VALUE"),
    "no reason": (
        (*P1, "--override", "ocv", "--cell", "C0003", "--channel", "neware:1-3"),
        2,
        "CHECK=REASON",
    ),
    "no cell named": (("p1", "--channel", "neware:1-3"), 2, "--cell"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_run_says_why_and_stores_nothing(lab: Any, case: str) -> None:
    words, code, hint = REFUSALS[case]
    before = lab.json("runs", "list")
    call = lab.call("run", "--alone", *words, "--json")
    assert call.code == code, call.err
    assert hint in call.err
    assert "Traceback" not in call.err and "bug in labctl" not in call.err
    document = call.json
    assert (document["exit_code"], bool(document["findings"])) == (code, True)
    assert lab.json("runs", "list") == before


def test_each_reason_of_a_refused_program_stands_on_its_own_line(lab: Any) -> None:
    lab.call("cells", "add", "NOMASS", "--kind", "lfp_li")
    call = lab.call("run", "--alone", "formation", "--cell", "NOMASS", "--channel", "neware:1-4")
    assert call.code == 1
    heading, *lines = call.err.splitlines()
    assert heading == "labctl run: this protocol cannot run so:"
    assert lines and all("active_mass_mg" in line for line in lines)


def test_an_occupied_channel_is_refused_and_nothing_is_kept(lab: Any) -> None:
    before = lab.json("runs", "list")
    call = lab.call("run", "--alone", *P1, "--cell", "C0002", "--channel", "neware:1-2")
    assert call.code == 2
    assert "neware:1-2 is running, so it cannot be started" in call.err
    assert lab.json("runs", "list") == before


def test_a_run_that_has_ended_is_not_stopped_again(lab: Any, finished: dict[str, Any]) -> None:
    call = lab.call("runs", "stop", finished["run_id"])
    assert call.code == 2
    assert "has ended already" in call.err


def test_stored_runs_verify_and_the_catalogue_is_made_anew(lab: Any, finished: dict[str, Any]) -> None:
    checked = lab.json("store", "verify")
    assert checked and all(entry["ok"] for entry in checked)
    before = lab.json("runs", "list")
    lab.json("store", "rebuild")
    assert lab.json("runs", "list") == before
    (lab.data / "labctl.sqlite").write_bytes(b"junk" * 1000)
    call = lab.call("runs", "list")
    assert (call.code, "labctl store rebuild" in call.err) == (1, True)
    lab.json("store", "rebuild")
    assert lab.json("runs", "list") == before


def test_json_never_holds_what_json_does_not_know(lab: Any, finished: dict[str, Any]) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = lab.call("runs", "show", "C0003", "--json").out
    assert json.loads(text, parse_constant=refuse)["run_id"] == finished["run_id"]
