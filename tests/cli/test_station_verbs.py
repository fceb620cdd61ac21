"""The station's verbs against a station's real application: the words, the JSON, the exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.cli.app import main
from labctl.testing.commandline import Call, captured
from labctl.testing.fakestation import ServedFake, served_fake

RUN = "20260101T000000-C1"
CAMPAIGN = "labctl: campaign/1\nname: x\ncells: [C1]\n"


class Desk:
    """A terminal at a fake station."""

    def __init__(self, fake: ServedFake) -> None:
        self.fake = fake

    def call(self, *words: str) -> Call:
        return captured(main, *words, "--data", str(self.fake.data))

    def json(self, *words: str) -> Any:
        call = self.call(*words, "--json")
        assert call.code == 0, call.err
        return call.json


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_fake(tmp_path_factory.mktemp("desk") / "data") as fake:
        desk = Desk(fake)
        for name in ("C1", "C2"):
            desk.json("cells", "add", name, "--kind", "symmetric", "--diameter-mm", "10", "--by", "Anna")
        yield desk


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LABCTL_URL", "LABCTL_TOKEN", "LABCTL_STATION"):
        monkeypatch.delenv(name, raising=False)


def test_channels_are_listed_loaded_made_ready_and_emptied(desk: Desk) -> None:
    assert len(desk.json("channel", "list")) == 4
    assert desk.json("channel", "load", "neware:1-3", "C1", "--reason", "new")["cell_id"] == "C1"
    assert desk.json("channel", "ready", "neware:1-3")["ready"] is True
    assert desk.json("channel", "ready", "neware:1-3", "--not")["ready"] is False
    assert "cell C1" in desk.call("channel", "show", "neware:1-3").out
    assert desk.json("channel", "eject", "neware:1-3")["cell_id"] == ""
    assert "neware:1-1" in desk.call("channel", "list").out


def test_a_trip_is_reset_with_reason_and_typed_name_only(desk: Desk) -> None:
    assert desk.call("channel", "reset", "neware:1-2").code == 2
    assert desk.call("channel", "reset", "neware:1-2", "--reason", "looked").code == 2
    words = ("channel", "reset", "neware:1-2", "--reason", "looked", "--confirm", "neware:1-2")
    assert desk.json(*words)["channel"] == "neware:1-2"


def test_jobs_are_added_by_cell_campaign_and_table(desk: Desk, tmp_path: Path) -> None:
    done = desk.json("queue", "add", "formation", "--cell", "C1", "--cell", "C2", "--hold", "--by", "Anna")
    ids = [job["job_id"] for job in done["jobs"]]
    assert len(ids) == 2
    shown = {job["job_id"]: job for job in desk.json("queue", "list")}
    assert {shown[job]["state"] for job in ids} == {"held"}
    assert shown[ids[0]]["submitted_by"] == "Anna"
    assert "labctl: protocol/1" in shown[ids[0]]["spec"]["protocol_text"]
    campaign, table = tmp_path / "night.yaml", tmp_path / "night.csv"
    campaign.write_text(CAMPAIGN, encoding="utf-8")
    table.write_text("C1\nC2\n", encoding="utf-8")
    call = desk.call("queue", "add", str(campaign), "--dry-run", "--json")
    assert call.code == 2 and "labctl: campaign/1" in call.err  # the stand-in takes one cell a line
    assert len(desk.json("queue", "add", str(table), "--dry-run")["jobs"]) == 2
    assert "Dry run" in desk.call("queue", "add", str(table), "--dry-run").out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("formation",), "--cell"),
        (("formation", "--cell", "C1", "--cell", "C2", "--channel", "neware:1-1"), "one --channel for each"),
        (("nothing", "--cell", "C1"), "protocol"),
        (("nothing.yaml",), "there is no file nothing.yaml"),
        (("formation", "--cell", "C9"), "C9"),
        (("formation", "--cell", "C1", "--set", "x"), "NAME=VALUE"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(desk: Desk, words: tuple[str, ...], hint: str) -> None:
    call = desk.call("queue", "add", *words, "--json")
    assert (call.code, call.json["exit_code"]) == (2, 2)
    assert hint in call.err


def test_jobs_are_held_ordered_cloned_and_removed(desk: Desk) -> None:
    one, two = [
        desk.json("queue", "add", "formation", "--cell", name)["jobs"][0]["job_id"] for name in ("C1", "C2")
    ]
    held = desk.json("queue", "hold", one, "--reason", "not yet")
    assert held["state"] == "held"
    late = desk.call("queue", "release", one, "--version", str(held["version"] - 1), "--json")
    assert late.code == 1
    assert desk.json("queue", "release", one)["state"] == "waiting"
    assert desk.json("queue", "priority", two, "7")["spec"]["priority"] == 7
    desk.json("queue", "move", two, "--before", one)
    ids = [job["job_id"] for job in desk.json("queue", "list")]
    assert ids.index(two) < ids.index(one)
    assert desk.json("queue", "clone", two)["job_id"] not in (one, two)
    assert desk.json("queue", "remove", one)["state"] == "removed"
    assert one not in [job["job_id"] for job in desk.json("queue", "list")]
    assert one in [job["job_id"] for job in desk.json("queue", "list", "--all")]
    assert "waits for" in desk.call("queue", "show", two).out
    assert desk.json("queue", "calendar") == [] or "channel" in desk.json("queue", "calendar")[0]
    waited = desk.call("queue", "wait", one, "--json")
    assert (waited.code, waited.json[0]["state"]) == (1, "removed")


def test_parts_of_the_queue_are_held_and_jobs_are_changed_by_words(desk: Desk) -> None:
    assert desk.json("queue", "hold", "neware:1-1", "--reason", "wire")["holds"][0]["target"] == "neware:1-1"
    assert "is held by" in desk.call("queue", "hold", "all", "--reason", "drill").out
    again = desk.call("queue", "hold", "all", "--json")
    assert again.code != 0 and "held by" in again.json["error"]
    desk.json("queue", "release", "all")
    assert "Nothing is held." in desk.call("queue", "release", "neware:1-1").out
    (job,) = desk.json("queue", "add", "formation", "--cell", "C1", "--hold")["jobs"]
    words = (
        "--set",
        "opening_rest=1 h",
        "--priority",
        "4",
        "--not-before",
        "2026-02-01T08:00:00Z",
        "--note",
        "x",
    )
    spec = desk.json("queue", "edit", job["job_id"], *words)["spec"]
    assert (spec["priority"], spec["notes"], spec["variables"]) == (4, "x", {"opening_rest": "1 h"})
    desk.json("queue", "remove", job["job_id"])


def test_a_file_with_a_slip_is_refused_by_its_own_name(desk: Desk, tmp_path: Path) -> None:
    typo = tmp_path / "typo.yaml"
    typo.write_text("labctl: protocol/1\nname: x\nsteps:\n  - rest: 3\n", encoding="utf-8")
    sent = desk.json("queue", "add", str(typo), "--cell", "C1", "--hold")["jobs"][0]["job_id"]
    assert desk.json("queue", "show", sent)["spec"]["protocol_source"] == "typo.yaml"
    desk.json("queue", "remove", sent)


def test_runs_are_listed_with_live_values_and_acted_on(desk: Desk) -> None:
    assert {run["run_id"] for run in desk.json("runs", "list")} >= {RUN}
    for words in (("pause",), ("pause", "--at-step-end"), ("skip", "--reason", "short"), ("take-up",)):
        assert desk.json("runs", words[0], RUN, *words[1:])["run_id"] == RUN
    assert desk.json("runs", "note", "C1", "smells of nothing")["text"]
    assert desk.json("runs", "add-cycles", "C1", "10")["revision"] >= 1
    assert desk.json("runs", "revise", "C1", "formation", "--reason", "other voltages")["revision"] >= 1
    assert desk.call("runs", "revise", "C1", "formation").code == 2
    assert isinstance(desk.json("runs", "stop", RUN, "--reason", "cell needed")["confirmed"], bool)
    assert [entry["ok"] for entry in desk.json("runs", "resume", "C2")] == [True]
    assert desk.call("runs", "pause", "C9").code == 2


def test_instruments_are_listed_asked_and_looked_for(desk: Desk) -> None:
    (entry,) = desk.json("instruments", "list")
    assert desk.json("instruments", "ping", entry["name"])["identity"] == "fake 1"
    assert "live" in desk.call("instruments", "status", "neware").out
    assert desk.call("instruments", "status", "nothing").code == 2
    assert isinstance(desk.json("instruments", "scan"), list)


def test_chambers_are_set_through_the_station(desk: Desk) -> None:
    (before,) = desk.json("chamber", "list")
    assert before["chamber"] == "oven"
    (after,) = desk.json("chamber", "set", "oven", "33")
    assert after["setpoint_degC"] == 33.0
    assert desk.json("chamber", "off", "oven")
    assert desk.call("chamber", "set", "kiln", "33").code == 2


def test_cells_are_read_and_imported_through_the_station(desk: Desk, tmp_path: Path) -> None:
    assert {cell["cell_id"] for cell in desk.json("cells", "list")} >= {"C1", "C2"}
    assert desk.json("cells", "show", "C1")["diameter_mm"] == 10.0
    table = tmp_path / "cells.csv"
    table.write_text("cell_id,kind,diameter_mm\nK1,symmetric,10\nK2,lfp\n", encoding="utf-8")
    call = desk.call("cells", "import", str(table), "--json")
    assert call.code == 1
    assert call.json["added"] == ["K1"] and len(call.json["refused"]) == 1
    call = desk.call("cells", "add", "C1", "--kind", "symmetric")
    assert call.code in (1, 2) and "C1" in call.err


def test_corrections_of_a_cell_are_revisions_in_its_history(desk: Desk) -> None:
    desk.json("cells", "add", "H1", "--kind", "symmetric", "--diameter-mm", "10", "--by", "Anna")
    words = ("cells", "change", "H1", "diameter_mm=12", "notes=", "--by", "Anna")
    assert desk.call(*words).code == 2  # why?
    done = desk.json(*words, "--reason", "measured again")
    assert (done["revision"], done["cell"]["diameter_mm"]) == (2, 12.0)
    assert desk.call(*words, "--reason", "again", "--revision", "1").code == 1  # corrected meanwhile
    assert desk.call("cells", "change", "H1", "diameter=12", "--reason", "slip").code == 2
    assert desk.call("cells", "change", "H1", "diameter_mm=wide", "--reason", "slip").code == 2
    last = desk.json("cells", "revisions", "H1")[-1]
    assert (last["by"], last["reason"], last["changed"]) == (
        "Anna",
        "measured again",
        ["diameter_mm 10 -> 12"],
    )
    assert [at["kind"] for at in desk.json("cells", "history", "H1")] == ["registered", "corrected"]
    assert "measured again" in desk.call("cells", "revisions", "H1").out
    assert "corrected" in desk.call("cells", "history", "H1").out


def test_electrodes_and_batches_have_the_same_verbs(desk: Desk, tmp_path: Path) -> None:
    desk.json("batches", "add", "B7", "--electrolyte", "LiTFSI", "--reason", "mixed today", "--by", "Anna")
    desk.json("electrodes", "add", "E7", "--diameter-mm", "8", "--batch", "B7")
    assert (
        desk.json("electrodes", "change", "E7", "active_mass_mg=1.5", "--reason", "weighed")["revision"] == 2
    )
    assert desk.json("electrodes", "show", "E7")["active_mass_mg"] == 1.5
    assert desk.json("batches", "show", "B7")["electrolyte"] == "LiTFSI"
    assert "E7" in desk.call("electrodes", "list").out and "B7" in desk.call("batches", "list").out
    assert "weighed" in desk.call("electrodes", "revisions", "E7").out
    table = tmp_path / "electrodes.csv"
    table.write_text("electrode_id,diameter_mm,batch\nE8,8,B7\nE9,x,B7\n", encoding="utf-8")
    call = desk.call("electrodes", "import", str(table), "--dry-run")
    assert call.code == 1 and "row 3: diameter_mm" in call.out and "dry run" in call.out
    assert "E8" not in [at["electrode_id"] for at in desk.json("electrodes", "list")]
    assert desk.call("electrodes", "import", str(table), "--json").json["rows"][0]["action"] == "new"
    assert "E8" in [at["electrode_id"] for at in desk.json("electrodes", "list")]


def test_a_number_far_off_its_batch_is_asked_about_before_it_is_stored(desk: Desk, tmp_path: Path) -> None:
    table = tmp_path / "weighed.csv"
    rows = [f"W{number},symmetric,10,{mass},q" for number, mass in enumerate((1.0, 1.1, 0.9, 11.0), 1)]
    table.write_text(
        "\n".join(["cell_id,kind,diameter_mm,active_mass_mg,batch", *rows, ""]), encoding="utf-8"
    )
    call = desk.call("cells", "import", str(table), "--json")
    assert call.code == 1 and call.json["added"] == ["W1", "W2", "W3"]
    (asked,) = call.json["questions"]
    key = asked.partition("--answer ")[2].partition("=")[0]
    done = desk.call("cells", "import", str(table), "--answer", f"{key}=1.1", "--json")
    assert done.code == 0 and done.json["rows"][-1]["action"] == "new"
    assert desk.json("cells", "show", "W4")["active_mass_mg"] == 1.1
    table.write_text("cell_id,kind,diameter_mm\nW1,symmetric,11\n", encoding="utf-8")
    refused = desk.call("cells", "import", str(table), "--json")
    assert refused.code == 1 and "--update" in refused.json["refused"][0]
    assert desk.json("cells", "import", str(table), "--update")["updated"] == ["W1"]


def test_people_get_a_token_that_is_printed_once(desk: Desk) -> None:
    call = desk.call("users", "add", "Berta", "--role", "operate")
    token = call.out.strip()
    assert call.code == 0 and token.startswith("lab_") and token not in call.err
    people = {person["name"]: person for person in desk.json("users", "list")}
    assert people["Berta"]["role"] == "operate"
    assert token not in json.dumps(desk.json("users", "list"))
    assert desk.json("users", "revoke", "Berta", "--reason", "left")["revoked"] is True
    assert desk.call("users", "add", "Carl").code == 2


def test_stop_all_stays_until_it_is_released_with_reason_and_word(desk: Desk) -> None:
    assert desk.json("stop-all", "--reason", "smoke")["active"] is True
    assert desk.call("stop-all", "--release").code == 2
    assert desk.call("stop-all", "--release", "--reason", "aired").code == 2
    words = ("stop-all", "--release", "--reason", "aired", "--confirm", "release")
    assert desk.json(*words)["active"] is False
    assert "emergency" not in desk.call("stop-all", "--reason", "try").out
    desk.json(*words)


def test_the_journal_is_shown_and_verified(desk: Desk) -> None:
    desk.json("runs", "stop", RUN, "--reason", "for the journal", "--by", "Anna")
    shown = desk.json("audit", "show", "--limit", "3")
    assert shown["entries"][-1]["who"] == "Anna" and shown["head"]
    assert [
        entry["number"] for entry in desk.json("audit", "show", "--after", "0", "--limit", "2")["entries"]
    ] == [1, 2]
    assert desk.json("audit", "verify")["ok"] is True
    assert "whole" in desk.call("audit", "verify").out


def test_alarms_and_notification_have_their_verbs(desk: Desk) -> None:
    assert desk.json("alarms", "list") == []
    assert "No alarm" in desk.call("alarms", "list").out
    assert desk.json("alarms", "definitions") and isinstance(desk.json("alarms", "figures"), dict)
    assert desk.call("alarms", "ack", "nothing:here", "--json").code == 2
    assert desk.call("alarms", "shelve", "nothing:here").code == 2
    assert isinstance(desk.json("notify", "status"), dict)
    assert (
        "Nobody is named" in desk.call("notify", "status").out or "paths" in desk.call("notify", "status").out
    )
    tested = desk.call("notify", "test", "--json")
    assert tested.code == 1 and tested.json["text"] == "no path is set"  # nobody was reached


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "list"),
        ("channel", "list"),
        ("alarms", "list"),
        ("users", "list"),
        ("stop-all",),
        ("audit", "show"),
    ],
)
def test_without_a_station_the_way_to_start_one_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    call = captured(main, *words, "--json", "--data", str(tmp_path / "none"))
    assert call.code == 1
    assert "labctl serve --data" in call.json["error"]
    assert not (tmp_path / "none").exists()
