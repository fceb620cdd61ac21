"""What a person at PowerSuite leaves in the folder, and what may be wrong with it (potentiostat.md 2.3, PS-1 to 3)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labctl_simulators.command import _announce
from labctl_simulators.pace import Mode, Pace
from labctl_simulators.server import Serving
from labctl_simulators.station import first_line

from labctl.analysis.eisfiles.formats import read_file
from labctl.errors import UserInputError
from labctl.testing.sim import running_bench

Make = Callable[..., Any]
SHEET = """\
Start frequency: 100 kHz
End frequency: 1 Hz
Points per decade: 5
Amplitude: 10 mV rms
Current range: AUTO
"""
CELL = {"cell_id": "C1", "variant": "LTO-P", "x": 0.5}
PARSTAT = "Potential (V)\tCurrent (A)\tElapsed Time (s)\tFrequency (Hz)\tZre (ohms)\tZim (ohms)\t|Vac| (V)\t|Iac| (A)\t"


def rows_of(file: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers below the header."""
    lines = file.read_bytes().decode("ascii").split("\r\n")
    assert lines[-1] == ""
    return np.array([[float(value) for value in line.split("\t") if value] for line in lines[1:-1]])


def d1_ohm(f_Hz: Any) -> Any:
    return 10.0 + 1.0 / (1.0 / 100.0 + 2j * math.pi * f_Hz * 100e-6)


# -- layouts -----------------------------------------------------------------------------------------------


def test_the_short_export_has_three_columns_from_low_to_high_frequency(powersuite: Make) -> None:
    file = powersuite(dummy="D1").run()
    assert file.name == "C1-run7.txt" and file.read_bytes().startswith(b"Frequency\t Zre\t Zimg\r\n")
    f_Hz, real, imaginary = rows_of(file).T
    assert len(f_Hz) == 26 and f_Hz[0] == 1.0 and f_Hz[-1] == 1e5 and (np.diff(f_Hz) > 0).all()
    assert np.abs((real + 1j * imaginary) / d1_ohm(f_Hz) - 1.0).max() < 1e-6 and (imaginary < 0).all()


def test_the_parstat_export_has_eight_columns_and_its_direct_rows_first(powersuite: Make) -> None:
    file = powersuite(dummy="D1").run(format="parstat")
    lines = file.read_bytes().decode().split("\r\n")
    assert lines[0] == PARSTAT and all(line.endswith("\t") for line in lines[:-1])
    rows = rows_of(file)
    direct, spectral = rows[rows[:, 3] == 0.0], rows[rows[:, 3] > 0.0]
    assert len(direct) == 20 and not direct[:, 3:].any() and (rows[:20, 3] == 0.0).all()
    assert len(spectral) == 26 and spectral[0, 3] == 1e5 and spectral[-1, 3] == 1.0
    z_ohm = spectral[:, 4] + 1j * spectral[:, 5]
    assert np.abs(z_ohm / d1_ohm(spectral[:, 3]) - 1.0).max() < 1e-6
    assert spectral[:, 6] == pytest.approx(0.01, rel=1e-6)  # rms
    assert spectral[:, 6] / spectral[:, 7] == pytest.approx(abs(z_ohm), rel=1e-5)
    assert (np.diff(rows[:, 2]) > 0).all()


@pytest.mark.parametrize("layout", ["powersuite", "parstat"])
def test_what_it_exports_is_read_by_labctl_as_what_it_measured(powersuite: Make, layout: str) -> None:
    """The reader was written by somebody else from the same pages."""
    file = powersuite(dummy="D1").run(format=layout)
    content, found = read_file(file)
    (spectrum,) = content.spectra
    assert found.name == layout and len(spectrum.frequency_Hz) == 26
    assert np.abs(spectrum.z_ohm / d1_ohm(spectrum.frequency_Hz) - 1.0).max() < 1e-6


def test_a_galvanostatic_sheet_drives_a_current(powersuite: Make) -> None:
    sheet = (
        SHEET.replace("10 mV rms", "0.1 mA rms")
        + "Technique: Galvanostatic EIS\nDC current: 0 A\nSettling: 5 s\n"
    )
    bench = powersuite(dummy="D1")
    rows = rows_of(bench.run(sheet, format="parstat"))
    spectral = rows[rows[:, 3] > 0.0]
    assert spectral[:, 7] == pytest.approx(1e-4, rel=1e-6) and len(rows) - len(spectral) == 20
    assert np.abs((spectral[:, 4] + 1j * spectral[:, 5]) / d1_ohm(spectral[:, 3]) - 1.0).max() < 1e-6
    assert not bench.truth()["cell_on"]


def test_the_person_picks_the_smallest_range_that_holds_what_the_sheet_says(powersuite: Make) -> None:
    bench = powersuite(dummy="D1")
    bench.begin(SHEET.replace("AUTO", "1 mA"))
    bench.wait(65.0)
    assert bench.truth()["range_A"] == 2e-3


def test_the_measurement_takes_the_familys_time_and_switches_the_cell_itself(powersuite: Make) -> None:
    bench = powersuite(dummy="D1")
    told = bench.begin(operator_s=120.0, export_s=30.0)
    assert told["points"] == 26 and told["starts_s"] == 120.0
    assert told["exported_s"] - told["ends_s"] == pytest.approx(30.0)
    bench.wait(119.0)
    assert bench.truth()["switched"] == [] and bench.truth()["running"]
    bench.wait(told["ends_s"] - 121.0)
    assert bench.truth()["cell_on"]
    bench.wait(10.0)
    assert (
        not bench.truth()["cell_on"] and not bench.truth()["running"] and list(bench.folder.iterdir()) == []
    )
    bench.wait(30.0)
    assert [file.name for file in bench.folder.iterdir()] == ["C1-run7.txt"]
    acts = [entry["what"] for entry in bench.truth()["switched"]]
    assert acts == ["cell_on", "cell_off"] and bench.bench.violations == []


def test_the_cell_of_the_bench_is_what_is_measured_at_its_own_open_circuit(powersuite: Make) -> None:
    bench = powersuite(cell="C1", cells=[CELL])
    rows = rows_of(bench.run(format="parstat"))
    cell = bench.truth()["cell"]
    assert rows[0, 0] == pytest.approx(cell["ocv_V"], abs=1e-3)
    assert rows[-1, 4] == pytest.approx(sum(cell["elements_ohm"].values()), rel=0.2)
    assert bench.admin("cell.place", cell="C1", to="1-1")["ok"]


def test_a_sheet_in_a_file_is_read_from_its_path(powersuite: Make, tmp_path: Path) -> None:
    bench = powersuite(dummy="D1")
    sheet = tmp_path / "plan.txt"
    sheet.write_text(
        "Start freq (Hz): 1000\nEnd freq (Hz): 100\nPoints per decade: 4\nAmplitude (mV rms): 7\n", "utf-8"
    )
    reply = bench.admin("powersuite.run", instrument="ps", sheet=str(sheet))
    assert reply["ok"] and reply["points"] == 5 and reply["file"].endswith("spectrum.txt")
    assert "no sheet" in bench.admin("powersuite.run", instrument="ps", sheet="/nowhere")["error"]


# -- what is wrong with an export --------------------------------------------------------------------------


def test_an_export_that_grows_stands_half_for_a_while_cut_inside_a_number(powersuite: Make) -> None:
    whole = powersuite(dummy="D1").run(name="whole.txt").read_bytes()
    bench = powersuite(dummy="D1")
    bench.fault("partial", delay_s=15.0)
    file = bench.run()
    half = file.read_bytes()
    assert whole.startswith(half) and len(whole) / 3 < len(half) < len(whole) and half[-1:].isdigit()
    bench.wait(15.0)
    assert file.read_bytes() == whole


def test_an_export_that_never_becomes_whole_stays_half(powersuite: Make) -> None:
    bench = powersuite(dummy="D1")
    bench.fault("never_whole")
    file = bench.run()
    size = file.stat().st_size
    bench.wait(3600.0)
    assert file.stat().st_size == size and not file.read_bytes().endswith(b"\r\n")


def test_an_export_that_is_replaced_is_another_one_first(powersuite: Make) -> None:
    bench = powersuite(cell="C1", cells=[CELL])
    bench.fault("replaced", delay_s=30.0)
    file = bench.run()
    f_Hz, real, imaginary = rows_of(file).T
    assert np.abs((real + 1j * imaginary) / d1_ohm(f_Hz) - 1.0).max() < 1e-6
    bench.wait(30.0)
    assert np.abs((rows_of(file).T[1] - real) / real).max() > 0.1


def test_decimal_commas_and_wrong_columns_are_exports_too(powersuite: Make) -> None:
    bench = powersuite(dummy="D1")
    bench.fault("comma")
    text = bench.run().read_bytes().decode()
    assert "." not in text and text.split("\r\n")[1].startswith("1,000000E+00\t1,096068E+02\t-6,258478E+00")
    bench.fault("wrong_columns")
    lines = bench.run(name="other.txt").read_bytes().decode().split("\r\n")
    assert lines[0] == "Potential (V)\tCurrent (A)\tElapsed Time (s)\t" and len(lines) == 1 + 20 + 26 + 1


def test_an_export_of_another_cell_or_of_other_settings_looks_like_any(powersuite: Make) -> None:
    bench = powersuite(cell="C1", cells=[CELL])
    bench.fault("other_cell")
    f_Hz, real, _ = rows_of(bench.run()).T
    assert real == pytest.approx(d1_ohm(f_Hz).real, rel=1e-6)
    bench.fault("other_settings")
    f_Hz, real, _ = rows_of(bench.run(name="b.txt")).T
    assert (f_Hz[0], len(f_Hz)) == (10.0, 21) and real[0] > 50.0
    assert len(rows_of(bench.run(name="c.txt"))) == 26  # a fault hits one export


def test_a_late_export_and_one_that_is_called_otherwise_come_in_the_end(powersuite: Make) -> None:
    bench = powersuite(dummy="D1")
    bench.fault("late", delay_s=600.0)
    file = bench.run(name="Kopie von C1.txt")
    assert not file.exists()
    bench.wait(600.0)
    assert [each.name for each in bench.folder.iterdir()] == ["Kopie von C1.txt"] and file.exists()


def test_a_power_cut_or_a_pressed_stop_leaves_the_cell_off_and_no_export(powersuite: Make) -> None:
    for act in ("power_cut", "stop"):
        bench = powersuite(dummy="D1")
        bench.begin()
        bench.wait(70.0)
        assert bench.truth()["cell_on"]
        if act == "stop":
            assert bench.admin("powersuite.stop", instrument="ps")["ok"]
        else:
            bench.fault("power_cut")
        assert not bench.truth()["cell_on"] and not bench.truth()["running"]
        bench.wait(600.0)
        assert list(bench.folder.iterdir()) == []


# -- what the person does not do ---------------------------------------------------------------------------


def test_the_person_has_one_pair_of_hands_and_needs_a_folder(powersuite: Make) -> None:
    bench = powersuite(dummy="D1")
    bench.begin()
    assert "no hand free" in bench.refused()
    homeless = powersuite(dummy="D1")
    homeless.bench.parts.potentiostats["ps"].folder = None
    assert "no folder" in homeless.refused()


def test_nobody_takes_the_cell_while_the_person_is_at_work(powersuite: Make) -> None:
    bench = powersuite(cell="C1", cells=[CELL])
    bench.begin()
    assert "is measuring" in bench.admin("cell.place", cell="C1", to="1-1")["error"]
    bench.wait(3600.0)
    assert bench.admin("cell.place", cell="C1", to="1-1")["ok"]


def test_what_the_model_cannot_reach_is_not_taken(powersuite: Make) -> None:
    bench = powersuite(dummy="D1", model="parstat2263")
    assert "PARSTAT 2263" in bench.refused(SHEET.replace("100 kHz", "2 MHz"))
    assert "no range of 2 A" in bench.refused(SHEET.replace("AUTO", "2 A"))
    assert not bench.truth()["running"] and bench.truth()["switched"] == []
    lifted = powersuite(dummy="D1", eis_max_Hz=2e6)
    assert lifted.begin(SHEET.replace("100 kHz", "2 MHz"))["points"] == 33


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"instrument": "neware"}, "it has ps"),
        ({"format": "excel"}, "powersuite, parstat"),
        ({"name": "../../passwd"}, ""),
        (
            {
                "name": "..",
            },
            "no name",
        ),
        ({"operator_s": -1.0}, "at least 0"),
        ({"export_s": "soon"}, "must be a number"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_or_kept_inside_the_folder(
    powersuite: Make, fields: dict[str, Any], told: str
) -> None:
    bench = powersuite(dummy="D1")
    request = {"instrument": "ps", "plan": "Start frequency: 1 kHz\nEnd frequency: 100 Hz\nAmplitude: 5 mV rms\n"
               "Points per decade: 5", **fields}  # fmt: skip
    reply = bench.admin("powersuite.run", **request)
    if told:
        assert not reply["ok"] and told in reply["error"]
    else:
        assert Path(reply["file"]).parent == bench.folder


def test_an_instrument_of_files_has_no_link_and_says_so(powersuite: Make) -> None:
    with pytest.raises(UserInputError, match="no link"):
        powersuite().bench.connect("ps")
    reply = powersuite().admin("fault", instrument="ps", kind="moths")
    assert "never_whole" in reply["error"]


# -- the bench ---------------------------------------------------------------------------------------------


def test_the_journal_brings_the_measurement_back_without_writing_its_files_again(powersuite: Make) -> None:
    first, entries = powersuite(cell="C1", cells=[CELL]), []
    first.bench.sink = type("Sink", (), {"write": lambda self, entry, durable: entries.append(dict(entry))})()
    file = first.run("\n".join(line for line in PLAN_AT_ANOTHER_POTENTIAL))
    first.admin("chamber.door")  # refused, not written down
    first.admin("cell.place", cell="C1", to="1-1")
    first.wait(1.0)
    again = powersuite(cell="C1", cells=[CELL])
    file.unlink()
    for entry in [json.loads(json.dumps(entry)) for entry in entries]:
        again.bench.replay(entry)
    again.bench.advance_to(first.bench.now_s)
    assert again.admin("truth", slot="1-1")["cell"] == first.admin("truth", slot="1-1")["cell"]
    assert not file.exists() and again.truth()["exports"] == first.truth()["exports"] == [file.name]


def test_the_bench_announces_the_folder_to_people_and_programs(
    powersuite: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench, serving = powersuite(dummy="D1").bench, Serving(ports={"neware": 4001, "admin": 4002})
    first = first_line(bench, Pace(bench, Mode.LOCKSTEP, None), serving, tmp_path)
    _announce(first, as_json=False)
    assert f"ps (powersuite) on {tmp_path}" in capsys.readouterr().out
    told = {"name": "ps", "kind": "powersuite", "model": "parstat2273", "folder": str(tmp_path)}
    assert first["instruments"][-1] == told


PLAN_AT_ANOTHER_POTENTIAL = (
    "Start frequency: 1 kHz", "End frequency: 1 Hz", "Amplitude: 10 mV rms", "Points per decade: 2",
    "DC potential: 1.7 V vs REF", "Settling: 1 min",
)  # fmt: skip


def test_the_same_seed_exports_the_same_bytes(powersuite: Make) -> None:
    texts = [powersuite(dummy="D1", profile="calibrated").run().read_bytes() for _ in range(2)]
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_served_bench_tells_the_folder_and_the_file_appears_in_it(tmp_path: Path) -> None:
    file = tmp_path / "bench.yaml"
    file.write_text(
        "labctl: bench/1\ninstruments: []\npotentiostats:\n"
        "  - {name: ps, kind: powersuite, model: parstat2263, dummy: D1, folder: out}\n",
        "utf-8",
    )
    sheet = "Start frequency: 1 kHz\nEnd frequency: 100 Hz\nAmplitude: 5 mV rms\nPoints per decade: 5"
    with running_bench("--bench", str(file), "--speed", "1000") as bench:
        assert bench.instrument("ps")["folder"] == str(tmp_path / "out")
        reply = bench.admin("powersuite.run", instrument="ps", plan=sheet, operator_s=1.0, export_s=1.0)
        for _ in range(20_000):
            if bench.admin("truth", slot="ps")["exports"]:
                break
        assert Path(reply["file"]).read_bytes().startswith(b"Frequency\t")
