"""What ``labctl demo eis`` tells and refuses, without a bench: rows, missing spectra, options of the other demo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labctl_simulators.benchfile import read_bench_file

from labctl.analysis.eis.cell import analyse
from labctl.analysis.eis.truth import Truth, judge
from labctl.cli.app import main
from labctl.cli.demoeis import AGES, Row, missing_of, plain, table_rows
from labctl.cli.demolife import BENCH, PLACES, POTENTIOSTAT, PROTOCOL
from labctl.cli.demoothers import BENCH as OTHER_BENCH
from labctl.cli.demoothers import DRIVERS
from labctl.cli.demotruth import BenchTruth, potentiostats_of
from labctl.engine.api import Outcome
from labctl.engine.jobs import RunResult
from labctl.model.ids import ChannelId, RunId
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.protocol.library import find_protocol
from labctl.protocol.parse import load_protocol
from labctl.store.runspectra import BROKEN_OFF, RunFacts, with_facts

NAMES = ("pristine", "0", "e1")


def ended(outcome: Outcome = Outcome.FINISHED) -> RunResult:
    return RunResult(RunId("r"), 0, ChannelId("neware:1-1"), "LIQ-P", "ended", outcome, "why", 1, 1, 1.0)


def row(ct_ohm: float = 38.0, *, shorted: bool = False) -> Row:
    """Return a row of a cell with R_b 6.4, R_SEI 95 and R_ct 38 ohm, or of one that is a resistor of 6.4 ohm."""
    frequency_Hz = np.geomspace(1e6, 0.1, 71)
    s = 2j * np.pi * frequency_Hz
    arcs = 0.0 * s if shorted else 95.0 / (1.0 + s * 1.5e-3) + 38.0 / (1.0 + s * 3e-2)
    head = SpectrumHead(name="r-e1", cell_id="C0001", cycle=0, area_cm2=0.785)
    result = analyse(Spectrum.of(frequency_Hz, 4e-7 * s + 6.4 + arcs, head))
    judged = judge(result, Truth("C0001", 0.0, shorted, 6.4, 95.0, ct_ohm), fresh=True)
    return Row("parstat", "C0001", "pristine", "r-e1", judged, judged.problem)


def test_a_value_beyond_its_limit_is_marked_and_fails_its_row() -> None:
    wrong = row(ct_ohm=60.0)
    marks = {line[3]: line[-1] for line in table_rows(wrong, NAMES)}
    assert marks["R_b"] == "yes" and marks["R_ct"] == "NO"
    document = plain(wrong)
    assert document["ok"] is False and "R_ct is -3" in document["problem"]
    assert [line["ok"] for line in document["quantities"]] == [True, True, False, False]


def test_names_stand_on_the_first_line_of_a_spectrum_alone() -> None:
    lines = table_rows(row(), NAMES)
    assert [line[:3] for line in lines] == [NAMES, *[("", "", "")] * 3]


def test_a_shorted_cell_has_one_line_and_no_fitted_value() -> None:
    shorted = row(shorted=True)
    assert [line[3:] for line in table_rows(shorted, NAMES)] == [("shorted", "", "", "", "", "yes")]
    assert plain(shorted)["outcome"] == "shorted" and plain(shorted)["quantities"] == []


def test_a_spectrum_that_is_not_there_is_a_line_that_says_no() -> None:
    gone = Row("par", "C0003", "pristine", "", None, "3 of 61 points: link lost", ("too high",))
    assert table_rows(gone, NAMES)[0][3:] == ("3 of 61 points: link lost", "", "", "", "", "NO")
    assert plain(gone)["ok"] is False and plain(gone)["refused"] == ["too high"]


def test_a_run_must_end_well_with_every_spectrum_and_the_pristine_one_with_a_short() -> None:
    judged: Any = [row().judged] * AGES
    shorted: Any = row(shorted=True).judged
    assert "the run ended as" in missing_of(ended(Outcome.FAILED), "C0001", judged)
    assert missing_of(ended(), "C0001", judged[1:]) == f"{AGES - 1} of {AGES} spectra are stored"
    assert "take another --seed" in missing_of(ended(), "C0001", judged)
    assert missing_of(ended(), "C0002", judged) == ""
    assert missing_of(ended(), "C0001", [*judged[1:], shorted]) == ""


def test_a_spectrum_that_broke_off_is_no_whole_one() -> None:
    judged: Any = [row().judged] * AGES
    head = with_facts(judged[0].result.head, RunFacts("r", 1, 1, 0.0, BROKEN_OFF, "link lost"))
    spectrum = replace(judged[0].result.spectrum, head=head)
    short = replace(judged[0], result=replace(judged[0].result, spectrum=spectrum))
    assert missing_of(ended(), "C0002", [short, *judged[1:]]) == "r-e1 is broken off: link lost"


def test_a_cell_left_on_and_a_broken_rule_are_problems() -> None:
    bench = BenchTruth(0.0, {}, ("parstat",), ({"kind": "two_holders"},))
    assert len(bench.problems) == 2 and "parstat is still on" in bench.problems[0]
    assert BenchTruth(0.0, {}, (), ()).problems == ()


@pytest.mark.parametrize("words", [["--all"], ["--bench", "default"]])
def test_options_of_the_cycling_demo_are_refused_before_anything_is_made(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "eis", *words, "--data", str(tmp_path / "data")]) == 2
    assert "belong to the study's cycling" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_the_benches_and_the_protocol_are_those_that_the_demo_speaks_of() -> None:
    values = read_bench_file(BENCH).values
    assert [one["name"] for one in values["potentiostats"]] == [POTENTIOSTAT]
    wired = {one["cell"]: one["slot"] for one in values["multiplexers"][0]["places"]}
    assert wired == PLACES
    others = read_bench_file(OTHER_BENCH).values["potentiostats"]
    assert [one["kind"] for one in others] == list(DRIVERS)
    assert load_protocol(find_protocol(PROTOCOL)).text.count("- eis:") == AGES


def test_a_bench_names_its_potentiostats_among_other_instruments() -> None:
    first = {"instruments": [{"name": "neware", "kind": "neware-bts"}, {"name": "ps", "kind": "powersuite"}]}
    assert list(potentiostats_of(first)) == ["ps"]
