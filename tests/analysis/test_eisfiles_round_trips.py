"""Whatever a spectrum holds, a file of ours gives it back: bit by bit in our own format, f and Z in the others."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.analysis.eisfiles.formats import encode, read_bytes, read_file, write_file, written_formats
from labctl.errors import UserInputError
from labctl.model.spectrum import COLUMNS, AmplitudeKind, Spectrum, SpectrumHead

FOREIGN = sorted(set(written_formats()) - {"parquet"})
QUICK = settings(max_examples=12, deadline=None)
POINTS_MAX = 4

anything = st.floats(allow_nan=True, allow_infinity=True, width=64)
sound = st.floats(min_value=1e-9, max_value=1e9)
maybe = st.just(math.nan) | sound
texts = st.text(max_size=20)
heads = st.builds(
    SpectrumHead, name=texts, instrument=texts, cell_id=texts, cycle=st.none() | st.integers(0, 10_000),
    area_cm2=maybe, amplitude_rms_V=maybe, amplitude_rms_A=maybe, told_amplitude=st.sampled_from(AmplitudeKind),
    ocv_before_V=maybe, taken_utc=texts, notes=st.tuples(texts),
)  # fmt: skip


@st.composite
def any_spectra(draw: st.DrawFn) -> Spectrum:
    """Return a spectrum with anything at all in its columns."""
    count = draw(st.integers(1, POINTS_MAX))
    drawn = np.array(draw(st.lists(anything, min_size=10 * count, max_size=10 * count))).reshape(10, count)
    z_ohm = np.empty(count, np.complex128)
    z_ohm.real, z_ohm.imag = drawn[8], drawn[9]
    others = [name for name in COLUMNS if name not in ("frequency_Hz", "z_ohm", "flags")]
    flags = np.arange(count, dtype=np.uint8) + np.uint8(draw(st.integers(0, 64)))
    columns = dict(zip(others, drawn[1:8], strict=True))
    return Spectrum.of(drawn[0], z_ohm, draw(heads), flags=flags, **columns)


@st.composite
def sound_spectra(draw: st.DrawFn) -> Spectrum:
    """Return a spectrum as an instrument gives it: all points known, each other column told or not."""
    count = draw(st.integers(1, POINTS_MAX))
    drawn = np.array(draw(st.lists(sound, min_size=8 * count, max_size=8 * count))).reshape(8, count)
    re_sign, im_sign = draw(st.sampled_from([(1, -1), (1, 1), (-1, -1)]))
    names = draw(st.sets(st.sampled_from(["e_dc_V", "i_dc_A", "t_end_s", "e_ac_rms_V", "i_ac_rms_A"])))
    told = dict(zip(sorted(names), drawn[3:], strict=False))
    return Spectrum.of(drawn[0], re_sign * drawn[1] + im_sign * 1j * drawn[2], draw(heads), **told)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


@QUICK
@given(any_spectra())
def test_our_own_parquet_gives_back_every_column_bit_by_bit_and_the_head(spectrum: Spectrum) -> None:
    data, left_out = encode(spectrum, "parquet")
    (again,) = read_bytes(data, "again.parquet")[0].spectra
    assert left_out == 0
    for name in COLUMNS:
        assert same_bits(getattr(again, name), getattr(spectrum, name)), name
    for field in fields(SpectrumHead):
        told, read = getattr(spectrum.head, field.name), getattr(again.head, field.name)
        assert read == (told or "again" if field.name == "name" else told) or (read != read and told != told)


@pytest.mark.parametrize("fmt", FOREIGN)
@QUICK
@given(spectrum=sound_spectra())
def test_a_foreign_format_is_known_by_its_content_and_gives_back_frequency_and_impedance(
    fmt: str, spectrum: Spectrum
) -> None:
    data, left_out = encode(spectrum, fmt)
    content, found = read_bytes(data, "nameless")
    (again,) = content.spectra
    assert (found.name, left_out, content.dc) == (fmt, 0, None)
    np.testing.assert_allclose(again.frequency_Hz, spectrum.frequency_Hz, rtol=1e-8)
    assert np.max(np.abs(again.z_ohm - spectrum.z_ohm) / np.abs(spectrum.z_ohm)) < 1e-8
    told = {"parstat": ("e_dc_V", "i_dc_A", "t_end_s", "e_ac_rms_V", "i_ac_rms_A")}.get(fmt, ())
    for name in told:
        np.testing.assert_allclose(getattr(again, name), getattr(spectrum, name), rtol=1e-8, err_msg=name)


def spectrum_with_an_overload() -> Spectrum:
    f_Hz = np.array([1e3, 1e2, 1e1])
    return Spectrum.of(f_Hz, np.array([10 - 1j, complex(math.nan, math.nan), 100 - 10j]))


@pytest.mark.parametrize("fmt", FOREIGN)
def test_a_point_without_an_impedance_is_left_out_of_foreign_files_and_counted(
    fmt: str, tmp_path: Path
) -> None:
    written = write_file(spectrum_with_an_overload(), tmp_path / "some" / "spectrum", fmt)
    (again,) = read_file(written.path)[0].spectra
    assert (written.points, written.left_out) == (2, 1)
    assert again.frequency_Hz.tolist() == [1e3, 1e1]


def test_nothing_is_written_where_no_point_has_an_impedance(tmp_path: Path) -> None:
    empty = spectrum_with_an_overload().kept(np.array([False, True, False]))
    with pytest.raises(UserInputError, match="nothing to write"):
        write_file(empty, tmp_path / "spectrum.z", "zplot")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fmt", ["gamry", "biologic", "plain-csv"])
def test_formats_that_are_only_read_say_which_ones_are_written(fmt: str) -> None:
    with pytest.raises(UserInputError, match=r"read, not written\. Written are: parquet, versastudio"):
        encode(spectrum_with_an_overload(), fmt)


def test_a_versastudio_file_holds_rms_volts_and_a_current_that_makes_the_impedance() -> None:
    frequency_Hz, z_ohm = np.array([1e3, 1.0]), np.array([10.0 - 20.0j, 300.0 - 4.0j])
    head = SpectrumHead(amplitude_rms_V=0.01)
    data, _ = encode(
        Spectrum.of(frequency_Hz, z_ohm, head, e_ac_rms_V=np.array([0.01, 0.0098])), "versastudio"
    )
    text = data.decode()
    rows = [line.split(",") for line in text.splitlines() if line.startswith("0,")]
    for row, z in zip(rows, z_ohm, strict=True):
        e_V = complex(float(row[10]), float(row[11]))
        i_A = complex(float(row[12]), float(row[13]))
        assert abs(e_V / i_A - z) < 1e-6 * abs(z)
        assert float(row[23]) == 0.01
    assert [abs(complex(float(row[10]), float(row[11]))) for row in rows] == [0.01, 0.0098]
    assert "Amplitude (mV RMS)=10\r\n" in text
    assert text.index("Segments=0") < text.index("Segments=1")
    tag = text.splitlines().index("<Segment1>")
    before_rows = [line.partition("=")[0] for line in text.splitlines()[tag + 1 : tag + 4]]
    assert before_rows == ["Type", "Version", "Definition"]


def test_a_zplot_file_tells_an_rms_current_for_a_galvanostatic_spectrum() -> None:
    head = SpectrumHead(amplitude_rms_A=2e-3)
    data, _ = encode(Spectrum.of([1e3, 1.0], [10 - 1j, 20 - 2j], head), "zplot")
    (again,) = read_bytes(data, "g.z")[0].spectra
    assert again.head.amplitude_rms_A == pytest.approx(2e-3, rel=1e-9)
    assert math.isnan(again.head.amplitude_rms_V)
