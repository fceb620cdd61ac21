"""Files of other people's programs: samples in their layouts, and slips that must be told with file, line and fix."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.analysis.eisfiles import formats, ownparquet
from labctl.analysis.eisfiles.doubts import doubts
from labctl.analysis.eisfiles.formats import read_bytes, read_file
from labctl.errors import UserFileError, UserInputError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import AmplitudeKind, Spectrum

SAMPLES = Path(__file__).parents[1] / "data" / "eis"


def d1_ohm(frequency_Hz: np.ndarray) -> np.ndarray:
    """Return the dummy cell of potentiostat.md 3.1: 10 ohm in series with (100 ohm parallel 100 uF)."""
    return 10.0 + 100.0 / (1.0 + 2j * np.pi * frequency_Hz * 1e-2)


@pytest.mark.parametrize(
    ("name", "fmt"),
    [
        ("d1.par", "versastudio"),
        ("d1-parstat.txt", "parstat"),
        ("d1-powersuite.txt", "powersuite"),
        ("d1-tabs.z", "zplot"),
        ("d1-quoted.z", "zplot"),
        ("d1.DTA", "gamry"),
        ("d1-comma-aborted.DTA", "gamry"),
        ("d1.mpt", "biologic"),
    ],
)
def test_a_sample_of_each_program_gives_the_dummy_cell_under_any_name(name: str, fmt: str) -> None:
    content, found = read_bytes((SAMPLES / name).read_bytes(), "renamed.dat")
    spectrum = content.spectra[0]
    assert found.name == fmt
    assert len(spectrum) == 25
    z_ohm = d1_ohm(spectrum.frequency_Hz)
    assert np.max(np.abs(spectrum.z_ohm - z_ohm) / np.abs(z_ohm)) < 1e-6
    assert (spectrum.z_im_ohm < 0.0).all()
    assert doubts(spectrum) == ()


def test_parstat_dc_rows_are_kept_apart_from_the_spectrum() -> None:
    content, _ = read_file(SAMPLES / "d1-parstat.txt")
    assert content.dc is not None
    assert content.dc.elapsed_s.tolist() == [10.0, 20.0, 30.0, 40.0]
    assert content.dc.e_V[0] == 3.49
    (spectrum,) = content.spectra
    assert (spectrum.frequency_Hz > 0.0).all()
    np.testing.assert_allclose(spectrum.e_ac_rms_V / spectrum.i_ac_rms_A, np.abs(spectrum.z_ohm), rtol=1e-9)


def test_a_versastudio_file_tells_its_amplitude_in_rms_its_open_circuit_and_its_dc_rows() -> None:
    content, _ = read_file(SAMPLES / "d1.par")
    (spectrum,) = content.spectra
    assert spectrum.head.amplitude_rms_V == pytest.approx(0.01)
    assert spectrum.head.ocv_before_V == pytest.approx(6.404e-3)
    assert spectrum.head.instrument == "VersaSTAT4-400"
    np.testing.assert_allclose(spectrum.e_ac_rms_V, 0.01, rtol=1e-6)
    assert content.dc is not None
    assert content.dc.e_V.tolist() == [0.0064, 0.00641, 0.00642]


def test_biologic_peaks_become_rms_milliamperes_amperes_and_cycles_spectra() -> None:
    content, _ = read_file(SAMPLES / "d1.mpt")
    first, second = content.spectra
    assert (first.head.name, second.head.name) == ("d1-1", "d1-2")
    assert first.head.told_amplitude is AmplitudeKind.PEAK
    assert first.head.amplitude_rms_V == pytest.approx(0.01 / math.sqrt(2.0))
    np.testing.assert_allclose(first.e_ac_rms_V, 0.01 / math.sqrt(2.0), rtol=1e-6)
    np.testing.assert_allclose(first.e_ac_rms_V / first.i_ac_rms_A, np.abs(first.z_ohm), rtol=1e-6)
    np.testing.assert_allclose(first.i_dc_A, -0.25e-3)
    np.testing.assert_allclose(second.z_ohm, 2.0 * first.z_ohm, rtol=1e-6)


def test_segments_of_a_versastudio_file_are_spectra_of_their_own() -> None:
    lines = (SAMPLES / "d1.par").read_text(encoding="utf-8").splitlines()
    second = ["2" + line[1:] for line in lines if line.startswith("1,")]
    lines[lines.index("</Segment1>") : lines.index("</Segment1>")] = second
    content, _ = read_bytes("\n".join(lines).encode(), "a.par")
    first, again = content.spectra
    assert (len(first), len(again)) == (25, 25)
    np.testing.assert_array_equal(first.z_ohm, again.z_ohm)
    assert content.dc is not None
    assert len(content.dc.e_V) == 3


def test_biologic_rows_without_a_frequency_are_dc_in_amperes() -> None:
    lines = (SAMPLES / "d1.mpt").read_bytes().decode("latin-1").splitlines()
    cells = lines[-1].split("\t")
    cells[0] = "0.0000000E+00"
    content, _ = read_bytes("\n".join([*lines, "\t".join(cells)]).encode("latin-1"), "a.mpt")
    assert [len(one) for one in content.spectra] == [25, 25]
    assert content.dc is not None
    assert (content.dc.e_V.tolist(), content.dc.i_A.tolist()) == ([3.31], [-0.25e-3])


@pytest.mark.parametrize(
    ("label", "amplitude_rms_V", "amplitude_rms_A"),
    [
        ("VAC\tQUANT\t10\tAC &Voltage (mV rms)", 0.01, math.nan),
        ("IAC\tQUANT\t0.002\tAC C&urrent (A rms)", math.nan, 0.002),
        ("VAC\tQUANT\t10\tAC &Voltage (mV)", math.nan, math.nan),
    ],
)
def test_a_gamry_amplitude_is_taken_where_its_label_says_unit_and_kind(
    label: str, amplitude_rms_V: float, amplitude_rms_A: float
) -> None:
    lines = (SAMPLES / "d1.DTA").read_bytes().decode("latin-1").splitlines()
    text = "\n".join(label if line.startswith("VAC") else line for line in lines)
    head = read_bytes(text.encode("latin-1"), "a.DTA")[0].spectra[0].head
    np.testing.assert_array_equal(
        [head.amplitude_rms_V, head.amplitude_rms_A], [amplitude_rms_V, amplitude_rms_A]
    )


def test_a_gamry_file_with_decimal_commas_says_the_same_and_that_it_was_aborted() -> None:
    (point,) = read_file(SAMPLES / "d1.DTA")[0].spectra
    (comma,) = read_file(SAMPLES / "d1-comma-aborted.DTA")[0].spectra
    np.testing.assert_array_equal(comma.z_ohm, point.z_ohm)
    assert comma.head.amplitude_rms_V == point.head.amplitude_rms_V == 0.01
    assert comma.head.ocv_before_V == 3.31
    assert any("aborted" in note for note in comma.head.notes)
    assert not any("aborted" in note for note in point.head.notes)


def test_an_amplitude_of_zero_and_microvolts_are_read_as_what_they_mean() -> None:
    text = (SAMPLES / "d1.par").read_text(encoding="utf-8")
    text = text.replace("(mV RMS)=10", "(mV RMS)=0").replace("=6.404 mV", "=-30.999 µV")
    (spectrum,) = read_bytes(text.encode(), "a.par")[0].spectra
    assert math.isnan(spectrum.head.amplitude_rms_V)
    assert spectrum.head.ocv_before_V == pytest.approx(-30.999e-6)


@pytest.mark.parametrize(
    "header",
    [
        "frequency,real,imaginary",
        "f,Z',Z''",
        "freq,Zre,-minus",
        "freq,Zre,-Zim",
        "Frequency (Hz),Re(Z) (ohm),-Im(Z) (ohm)",
        "# freq,Re(Z),Im(Z)",
        "f / kHz,Z_re / mOhm,-Z_im / kohm",
        "f / ghz,Z_re / GOhm,-Z_im / gohm",
        "Frequency / Hz;Real Impedance / ohm;Imaginary Impedance / ohm",
        "point\tf\tz_re\tz_im\tnote",
        '"freq","real","imag"',
    ],
)
def test_a_header_says_sign_and_unit_of_each_column(header: str) -> None:
    header = header.replace("-minus", "−Zim")
    if header.startswith("f / kHz"):
        row = "1,10000,0.02"
    elif header.startswith("f / ghz"):
        row = "1e-6,1e-8,2e-8"
    elif ";" in header:
        row = "1000,0;10,0;-20,0"
    elif "point" in header:
        row = "7\t1000\t10\t-20\tfine"
    else:
        row = f"1000,10,{20 if '-' in header or '−' in header else -20}"
    content, found = read_bytes(f"{header}\n{row}\n\n".encode(), "x")
    assert found.name == "csv"
    assert content.spectra[0].frequency_Hz.tolist() == [1000.0]
    assert content.spectra[0].z_ohm.tolist() == [10.0 - 20.0j]


@pytest.mark.parametrize(
    "row", ["1000,10,-20", "1000;10;-20", "1000,0;10,0;-20,0", "1e3 10 -2e1", "1000\t10\t-20"]
)
def test_three_columns_without_a_header_are_frequency_real_and_signed_imaginary(row: str) -> None:
    content, found = read_bytes(f"# by hand\n{row}\n".encode("utf-16"), "x.dat")
    assert found.name == "plain-csv"
    assert content.spectra[0].z_ohm.tolist() == [10.0 - 20.0j]


@pytest.mark.parametrize(
    ("name", "text", "line", "problem", "fix"),
    [
        ("a.csv", "frequency,real,imaginary\n1000,10,-20\n100,ten,-3\n", 3, "'ten' in column 're'", "take it out"),
        ("a.csv", "frequency,real,imaginary\n1000,10\n", 2, "2 columns, too few for 'im'", "Mend the row"),
        ("a.csv", "frequency,real,imaginary\n-5,10,-20\n", 2, "-5 Hz", "Take the row out"),
        ("a.csv", "frequency,real,imaginary\n5,nan,-20\n", 2, "no point of a spectrum", "Take the row out"),
        ("a.csv", "frequency,real,imaginary\n1_000,10,-20\n", 2, "'1_000'", "Mend the row"),
        ("a.csv", "frequency,real,imaginary\n", None, "no row with a frequency", "Export it again"),
        ("a.csv", "f / kHz,real,imag / S\n1,2,3\n", 1, "'S' is no unit of an impedance", "Use Hz and ohm"),
        ("a.csv", "f / s,real,imag\n1,2,3\n", 1, "'s' is no unit of a frequency", "Use Hz and ohm"),
        ("a.csv", "f,Z'/ohm cm2,Z''/ohm cm2\n1,2,3\n", 1, "'ohm cm2' is no unit of an impedance", "Use Hz and ohm"),
        ("a.csv", f"f,re,im\n1,2,{'9' * 200_000}x\n", 2, "is not a number", "Mend the row"),
        ("a.csv", f"1,2,{'9' * 200_000}\n", 1, "no point of a spectrum", "Take the row out"),
        ("a.csv", "a,b,c\n1,2,3\n", None, "no line names the columns", "frequency,real,imaginary"),
        ("a.csv", "1,2,3,4\n1,2,3,4\n", None, "no line names the columns", "frequency,real,imaginary"),
        ("a.z", "ZPLOT2 ASCII\nEnd Comments\n1\t2\n", None, "Freq(Hz)", "ZView"),
        ("a.z", "Freq(Hz)\tZ'(a)\n1\t2\n", 1, "Z''(b)", "ZView"),
        ("a.DTA", "EXPLAIN\nTAG\tCV\nCURVE\tTABLE\n", None, "(CV) is no impedance", "EIS experiment"),
        ("a.mpt", "EC-Lab ASCII FILE\nno count\n", 2, "Nb header lines", "EC-Lab"),
        ("a.mpt", "EC-Lab ASCII FILE\nNb header lines : 9\nfreq/Hz\tx\n", None, "line 9 should name", "header"),
        ("a.mpt", "freq/Hz\tRe(Z)/Ohm\n1\t2\n", 1, "-Im(Z)/Ohm", "EC-Lab"),
        ("a.par", "<Application>\n</Application>\nDefinition=\n", None, "no segment has", "EIS action"),
        ("a.txt", "Frequency\t Zre\t Zimg\n1\t2\t\n", 2, "'' in column 'im'", "Mend"),
        ("a.parquet", "PAR1 and no more", None, "damaged", "copy"),
        ("a.xyz", "hello\n", 1, "no impedance file", "VersaStudio"),
        ("a.csv", "", 1, "empty", "Export it again"),
    ],
)  # fmt: skip
def test_a_slip_in_a_file_is_told_with_file_line_and_fix(
    name: str, text: str, line: int | None, problem: str, fix: str
) -> None:
    with pytest.raises(UserFileError) as caught:
        read_bytes(text.encode(), name)
    assert caught.value.path == name
    if line is not None:
        assert caught.value.line == line
    assert problem in caught.value.problem
    assert fix in caught.value.fix


@settings(max_examples=40, deadline=None)
@given(
    sample=st.sampled_from(sorted(path.name for path in SAMPLES.glob("d1*"))),
    place=st.integers(0, 10_000),
    taken=st.integers(0, 300),
    put=st.sampled_from(
        [b"", b"\t", b",", b"\n", b"nan", b'"', b"\0", b"\xff\xfe", b"ZCURVE\n", b"</Segment1>"]
    ),
    name=st.sampled_from(["a", "a.par", "a.csv"]),
)
def test_a_damaged_file_is_read_or_told_and_nothing_else_happens(
    sample: str, place: int, taken: int, put: bytes, name: str
) -> None:
    data = (SAMPLES / sample).read_bytes()
    place %= len(data)
    try:
        content, _ = read_bytes(data[:place] + put + data[place + taken :], name)
    except UserFileError as error:
        assert error.fix
        return
    for spectrum in content.spectra:
        assert np.isfinite(spectrum.z_ohm).all()
        assert (spectrum.frequency_Hz > 0.0).all()


def test_an_unreadable_or_huge_path_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserFileError, match="cannot be read"):
        read_file(tmp_path / "none.z")
    monkeypatch.setattr(formats, "BYTES_MAX", 10)
    (tmp_path / "big.z").write_bytes(b"x" * 11)
    with pytest.raises(UserFileError, match="at most"):
        read_file(tmp_path / "big.z")


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UserInputError, match="versastudio"):
        read_bytes(b"1,2,3\n", "a.csv", "versatile")


def test_a_format_of_a_lab_is_asked_before_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(data: bytes, source: str) -> SpectrumContent:
        return SpectrumContent((Spectrum.of([1.0], [5 - 5j]),))

    own = SpectrumFormat("lab", "the lab's own", (".lab",), lambda data: data.startswith(b"LAB"), read)

    class Entry:
        def load(self) -> SpectrumFormat:
            return own

    monkeypatch.setattr(formats, "entry_points", lambda group: [Entry()] if group == formats.GROUP else [])
    formats.formats.cache_clear()
    try:
        content, found = read_bytes(b"LAB 1,2,3", "x.csv")
    finally:
        formats.formats.cache_clear()
    assert (found.name, content.spectra[0].head.name) == ("lab", "x")


@pytest.mark.parametrize(
    ("frequency_Hz", "word"),
    [
        ([1e3, 1e2, 1e3, 1e2, 1e1], "several sweeps"),
        ([1e3, 1e2, 1e2, 1e1, 1.0], "several sweeps"),
        ([1e3], "1 points are hardly"),
    ],
)
def test_points_that_are_no_whole_sweep_are_doubted(frequency_Hz: list[float], word: str) -> None:
    (found,) = doubts(Spectrum.of(frequency_Hz, [10 - 1j] * len(frequency_Hz)))
    assert word in found


def test_a_decimal_comma_in_a_zplot_file_is_no_end_of_a_cell() -> None:
    header = (
        "ZPLOT2 ASCII\n  Control Voltage\n  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\nEnd Comments\n"
    )
    row = "1,0E+03\t1,0E-02\t3,3E+00\t2,5E+00\t1,05E+01\t-2,05E+01\n"
    (spectrum,) = read_bytes((header + row).encode(), "a.z")[0].spectra
    assert spectrum.frequency_Hz.tolist() == [1000.0]
    assert spectrum.z_ohm.tolist() == [10.5 - 20.5j]
    assert (spectrum.e_ac_rms_V[0], spectrum.e_dc_V[0], spectrum.t_end_s[0]) == (0.01, 3.3, 2.5)


def test_a_parquet_file_without_a_point_is_refused_as_such() -> None:
    with pytest.raises(UserFileError, match="without a point"):
        read_bytes(ownparquet.write(Spectrum.of([], [])), "a.parquet")


def test_actions_of_several_amplitudes_leave_the_amplitude_open_and_say_so() -> None:
    text = (SAMPLES / "d1.par").read_text(encoding="utf-8")
    (one,) = read_bytes(text.encode(), "a.par")[0].spectra
    more = "<Action2>\nAmplitude (mV RMS)=20\n</Action2>\n"
    (other,) = read_bytes((text + more).encode(), "a.par")[0].spectra
    assert one.head.amplitude_rms_V == pytest.approx(0.01)
    assert math.isnan(other.head.amplitude_rms_V)
    assert "10, 20 mV rms" in other.head.notes[-1]


def test_points_whose_cycle_is_no_number_are_kept() -> None:
    lines = ["freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\tcycle number", "9\t1\t2\tnan", "8\t1\t2\t1", "7\t1\t2\tnan"]
    spectra = read_bytes("\n".join(lines).encode(), "a.mpt")[0].spectra
    assert [one.frequency_Hz.tolist() for one in spectra] == [[9.0, 7.0], [8.0]]


def test_a_file_without_an_amplitude_does_not_claim_to_know_its_kind() -> None:
    (silent,) = read_bytes(b"f,re,im\n1,2,-3\n", "a.csv")[0].spectra
    (telling,) = read_file(SAMPLES / "d1-parstat.txt")[0].spectra
    assert silent.head.told_amplitude is AmplitudeKind.UNKNOWN
    assert telling.head.told_amplitude is AmplitudeKind.RMS
