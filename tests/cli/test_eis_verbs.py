"""``labctl eis`` without an instrument: files in, judged, fitted, stored with a cell, drawn, written for others."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.analysis.eisfiles.formats import read_file, write_file
from labctl.cli.app import main
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.testing.commandline import Call, captured

SAMPLES = Path(__file__).parents[1] / "data" / "eis"
R_B_OHM, R_SEI_OHM, R_CT_OHM = 6.4, 95.5, 38.2


@pytest.fixture(scope="module")
def root_with_a_cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root") / "data"
    words = ("cells", "add", "C1", "--kind", "symmetric", "--diameter-mm", "10", "--data", str(folder))
    assert captured(main, *words).code == 0
    return folder


@pytest.fixture
def data(root_with_a_cell: Path, tmp_path: Path) -> Path:
    """Return a data root with the registered cell C1."""
    return Path(shutil.copytree(root_with_a_cell, tmp_path / "data"))


def eis(data: Path, *words: object) -> Call:
    return captured(main, "eis", *map(str, words), "--data", str(data))


def eis_json(data: Path, *words: object) -> Any:
    call = eis(data, *words, "--json")
    assert call.code == 0, call.err
    return call.json


def spectrum(growth: float = 1.0, head: SpectrumHead | None = None) -> Spectrum:
    """Return a symmetric cell with two arcs 1.5 decades apart, 1 MHz to 0.1 Hz, without noise."""
    frequency_Hz = np.geomspace(1e6, 0.1, 71)
    s = 2j * np.pi * frequency_Hz
    z_ohm = 4e-7 * s + R_B_OHM
    z_ohm += growth * R_SEI_OHM / (1.0 + (s * 1e-3) ** 0.85) + R_CT_OHM / (1.0 + (s * 3e-2) ** 0.85)
    return Spectrum.of(frequency_Hz, z_ohm, head or SpectrumHead(name="made"))


def save(tmp_path: Path, name: str, one: Spectrum) -> Path:
    return write_file(one, tmp_path / name, "parquet").path


def test_import_says_what_every_file_holds_and_one_bad_file_does_not_stop_the_others(data: Path) -> None:
    call = eis(data, "import", SAMPLES / "d1.par", SAMPLES / "README.md", SAMPLES / "d1.mpt", "--json")
    assert call.code == 1
    assert [(one["name"], one["format"], one["points"], one["dc_rows"]) for one in call.json["spectra"]] == [
        ("d1", "versastudio", 25, 3),
        ("d1-1", "biologic", 25, 0),
        ("d1-2", "biologic", 25, 0),
    ]
    assert "README.md:1: this is no impedance file" in call.json["refused"][0]
    people = eis(data, "import", SAMPLES / "d1-parstat.txt")
    assert people.out == "d1-parstat (parstat): 25 points, 100 kHz to 100 mHz, 4 DC rows apart\n"


def test_an_import_of_a_turned_spectrum_says_so(data: Path, tmp_path: Path) -> None:
    turned = Spectrum.of(spectrum().frequency_Hz, spectrum().z_ohm.conj(), SpectrumHead(name="turned"))
    (entry,) = eis_json(data, "import", save(tmp_path, "t.parquet", turned))["spectra"]
    assert any("-Z''" in text for text in entry["findings"])


def test_spectra_of_a_cell_are_stored_once_with_its_area_and_the_file_as_it_came(data: Path) -> None:
    first = eis_json(data, "import", SAMPLES / "d1.par", "--cell", "C1", "--cycle", "20")["spectra"]
    again = eis_json(data, "import", SAMPLES / "d1.par", "--cell", "C1", "--cycle", "20")["spectra"]
    assert (first[0]["stored"], again[0]["stored"]) == ("stored", "stored already")
    assert first[0]["id"] == again[0]["id"]
    (listed,) = eis_json(data, "list", "--cell", "C1")
    assert (listed["id"], listed["points"]) == (first[0]["id"], 25)
    assert (listed["head"]["cycle"], listed["head"]["cell_id"]) == (20, "C1")
    assert listed["head"]["area_cm2"] == pytest.approx(0.785398, rel=1e-6)
    (raw,) = (data / "spectra" / "C1").glob("*.source.par")
    assert raw.read_bytes() == (SAMPLES / "d1.par").read_bytes()
    assert first[0]["id"] in eis(data, "list").out


def test_another_cycle_for_a_stored_file_needs_to_be_called_a_correction(data: Path) -> None:
    eis_json(data, "import", SAMPLES / "d1.par", "--cell", "C1", "--cycle", "20")
    call = eis(data, "import", SAMPLES / "d1.par", "--cell", "C1", "--cycle", "50")
    assert call.code == 2
    assert "with another head (cycle 20). Nothing was changed; give --correct" in call.err
    words = ("import", SAMPLES / "d1.par", "--cell", "C1", "--cycle", "50", "--correct")
    assert eis_json(data, *words)["spectra"][0]["stored"] == "corrected"
    assert [one["head"]["cycle"] for one in eis_json(data, "list")] == [50]


def test_an_unknown_cell_and_options_without_a_cell_are_usage_errors(data: Path) -> None:
    assert "There is no cell 'C9'" in eis(data, "import", SAMPLES / "d1.par", "--cell", "C9").err
    call = eis(data, "import", SAMPLES / "d1.par", "--cycle", "3")
    assert (call.code, "go with --cell" in call.err) == (2, True)
    assert not (data / "spectra").exists()


def test_kk_passes_a_sound_spectrum_and_fails_one_that_drifts(data: Path, tmp_path: Path) -> None:
    sound, noisy = spectrum(), np.random.default_rng(3).normal(size=(2, 71))
    noise = 1.0 + 1e-3 * (noisy[0] + 1j * noisy[1])
    good = save(tmp_path, "good.parquet", Spectrum.of(sound.frequency_Hz, sound.z_ohm * noise))
    (told,) = eis_json(data, "kk", good)
    assert told["passed"] is True
    assert told["rms"] < 0.005
    assert len(told["residuals"]["re"]) == 71
    drift = np.array(
        [spectrum(growth).z_ohm[place] for place, growth in enumerate(np.linspace(1.0, 1.4, 71))]
    )
    bad = save(tmp_path, "bad.parquet", Spectrum.of(sound.frequency_Hz, drift * np.linspace(1.0, 1.5, 71)))
    call = eis(data, "kk", good, bad)
    assert call.code == 1
    assert "FAILED" in call.out
    assert "bad: Lin-KK leaves" in call.out


def test_a_spectrum_too_short_for_kk_is_named_and_the_others_are_still_tested(
    data: Path, tmp_path: Path
) -> None:
    whole = save(tmp_path, "whole.parquet", spectrum())
    short = save(
        tmp_path, "cut.parquet", Spectrum.of([3.0, 2.0], [1.0, 2.0 - 1.0j], SpectrumHead(name="cut"))
    )
    call = eis(data, "kk", short, whole)
    assert call.code == 1
    assert "cut: A Kramers-Kronig test needs 8 points or more; these are 2." in call.out
    assert "passed" in call.out
    told = eis(data, "kk", short, whole, "--json").json
    assert [(one["passed"], one["rms"] is None) for one in told] == [(None, True), (True, False)]


def test_fit_gives_the_named_resistances_with_intervals(data: Path, tmp_path: Path) -> None:
    path = save(tmp_path, "one.parquet", spectrum())
    (told,) = eis_json(data, "fit", path, "--circuit", "L-R-(RQ)-(RQ)")
    assert told["outcome"] == "fitted"
    for name, truth_ohm in (("R_b", R_B_OHM), ("R_SEI", R_SEI_OHM), ("R_ct", R_CT_OHM)):
        assert told["resistances"][name]["value"] == pytest.approx(truth_ohm, rel=0.01)
        assert told["resistances"][name]["unit"] == "ohm"
    text = eis(data, "fit", path, "--circuit", "L-R-(RQ)-(RQ)").out
    assert "R_SEI" in text
    assert "misfit" in text


def test_fit_of_several_spectra_is_one_row_each_and_a_short_is_told_without_a_fit(
    data: Path, tmp_path: Path
) -> None:
    head = SpectrumHead(cell_id="C1", area_cm2=0.785, cycle=100)
    f_Hz = spectrum().frequency_Hz
    shorted = Spectrum.of(f_Hz, 0.64 + 2j * np.pi * f_Hz * 4e-7, head)
    paths = [save(tmp_path, "a.parquet", spectrum()), save(tmp_path, "b.parquet", shorted)]
    call = eis(data, "fit", *paths)
    assert call.code == 0, call.err
    assert "shorted" in call.out
    assert "shorted: 0.64 ohm" in call.out


@pytest.mark.parametrize("fmt", ["zplot", "parstat", "powersuite", "versastudio", "csv", "parquet"])
def test_export_writes_what_is_read_back_the_same(data: Path, tmp_path: Path, fmt: str) -> None:
    source = save(tmp_path, "a.parquet", spectrum())
    (written,) = eis_json(data, "export", source, "--format", fmt, "--out", tmp_path / "out.dat")
    assert (written["points"], written["left_out"]) == (71, 0)
    (again,) = read_file(Path(written["path"]))[0].spectra
    np.testing.assert_allclose(again.z_ohm, spectrum().z_ohm, rtol=1e-8)


def test_export_of_a_cell_goes_into_a_folder_and_gives_each_spectrum_its_name(
    data: Path, tmp_path: Path
) -> None:
    eis_json(data, "import", SAMPLES / "d1.mpt", "--cell", "C1", "--cycle", "1")
    call = eis(data, "export", "--cell", "C1", "--format", "zplot", "--out", tmp_path / "one.z")
    assert (call.code, "do not go into one file" in call.err) == (2, True)
    written = eis_json(data, "export", "--cell", "C1", "--format", "zplot", "--out", tmp_path)
    assert len({one["path"] for one in written}) == 2
    same = eis_json(
        data, "export", SAMPLES / "d1.par", SAMPLES / "d1.DTA", "--format", "csv", "--out", tmp_path
    )
    assert [Path(one["path"]).name for one in same] == ["d1.csv", "d1-2.csv"]


def test_an_export_never_overwrites_the_file_that_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = (SAMPLES / "d1-tabs.z").read_bytes()
    (tmp_path / "d1-tabs.z").write_bytes(measured)
    monkeypatch.chdir(tmp_path)
    call = eis(tmp_path, "export", "d1-tabs.z", "--format", "zplot")
    assert (call.code, "is what the spectrum is read from" in call.err) == (2, True)
    assert (tmp_path / "d1-tabs.z").read_bytes() == measured
    for fmt in ("parstat", "powersuite"):
        assert eis(tmp_path, "export", "d1-tabs.z", "--format", fmt).code == 0
    assert {path.name for path in tmp_path.glob("*.txt")} == {"d1-tabs-parstat.txt", "d1-tabs-powersuite.txt"}


def test_plot_writes_a_figure_of_a_stored_spectrum_under_the_suffix_of_its_format(
    data: Path, tmp_path: Path
) -> None:
    source = save(tmp_path, "a.parquet", spectrum())
    (stored,) = eis_json(data, "import", source, "--cell", "C1", "--cycle", "0")["spectra"]
    words = ("--kind", "bode", "--per-area", "--format", "svg", "--out", tmp_path / "figure")
    done = eis_json(data, "plot", stored["id"], *words)
    assert done == {"path": str(tmp_path / "figure.svg"), "spectra": ["C1 fresh"]}
    assert "Frequency / Hz" in (tmp_path / "figure.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("kk", "nothing"), "no file nothing and no stored spectrum"),
        (("fit",), "name impedance files or stored spectra"),
        (("plot", "--cell", "C1"), "there is no spectrum of cell C1"),
        (("fit", SAMPLES / "d1.par", "--circuit", "R-(X)"), "cannot be read at character"),
        (("plot", SAMPLES / "d1.par", SAMPLES / "d1.DTA", "--kind", "kk"), "drawn of one spectrum"),
        (("plot", SAMPLES / "d1.par", "--per-area"), "area of d1 is not known"),
        (("export", SAMPLES / "d1.par", "--format", "versatile"), "there is no format 'versatile'"),
    ],
)
def test_a_wrong_wish_is_a_usage_error_that_says_what_would_be_right(
    data: Path, words: tuple[object, ...], problem: str
) -> None:
    call = eis(data, *words, "--json")
    assert call.code == 2
    assert problem in json.loads(call.out)["error"]


def test_the_commands_of_the_page_work_as_written(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "eis.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("labctl eis ")]
    assert len(lines) >= 8
    for name in ("d1.par", "d1.mpt"):
        shutil.copy(SAMPLES / name, data.parent)
    monkeypatch.chdir(data.parent)
    for line in lines:
        call = captured(main, *shlex.split(line)[1:], "--data", str(data))
        assert call.code == 0, f"{line}: {call.err}"
    assert {"eis-nyquist.pdf", "eis-kk.svg", "d1.z"} <= {path.name for path in data.parent.iterdir()}
