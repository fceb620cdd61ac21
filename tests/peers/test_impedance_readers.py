"""Other people's readers find the frequencies and impedances that we wrote. Both run in an environment of their own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.analysis.eisfiles.formats import write_file
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.testing.peerenv import peer_python

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent
FILES = {
    "plot.z": "zplot",
    "parstat.txt": "parstat",
    "powersuite.txt": "powersuite",
    "studio.par": "versastudio",
    "spectrum.csv": "csv",
}


def dummy_cell() -> Spectrum:
    """Return D1 of potentiostat.md 3.1 from 1 MHz to 0.1 Hz with a lead's inductance, everything told."""
    frequency_Hz = np.geomspace(1e6, 0.1, 71)
    omega = 2.0 * np.pi * frequency_Hz
    z_ohm = 1e-6j * omega + 10.0 + 100.0 / (1.0 + 1j * omega * 1e-2)
    head = SpectrumHead(
        name="Segments=7 (Freq(Hz)) cell C0137, fresh",
        instrument="PARSTAT 4000",
        cell_id="C0137",
        amplitude_rms_V=0.01,
        ocv_before_V=3.3,
    )
    full = np.ones(71)
    return Spectrum.of(
        frequency_Hz, z_ohm, head,
        e_dc_V=3.3 * full, i_dc_A=1e-6 * full, e_ac_rms_V=0.01 * full, i_ac_rms_A=0.01 / np.abs(z_ohm),
        t_end_s=np.cumsum(0.3 + 3.0 / frequency_Hz),
    )  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("eis")
    for name, fmt in FILES.items():
        write_file(dummy_cell(), folder / name, fmt)
    python = peer_python(HERE / "requirements-impedance-readers.txt")
    command = [str(python), str(HERE / "impedance_readers.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        ("impedance.py", "plot.z"),
        ("impedance.py", "parstat.txt"),
        ("impedance.py", "powersuite.txt"),
        ("impedance.py", "studio.par"),
        ("pyimpspec", "spectrum.csv"),
        ("pyimpspec", "plot.z"),
        ("pyimpspec", "parstat.txt"),
        ("pyimpspec", "powersuite.txt"),
    ],
)
def test_an_outside_reader_finds_frequency_and_impedance_of_our_export(
    answers: Any, reader: str, name: str
) -> None:
    read, spectrum = answers[reader][name], dummy_cell()
    order = np.argsort(read["f"])[::-1]  # one of them sorts
    z_ohm = np.asarray(read["re"])[order] + 1j * np.asarray(read["im"])[order]
    np.testing.assert_allclose(np.asarray(read["f"])[order], spectrum.frequency_Hz, rtol=1e-6)
    assert np.max(np.abs(z_ohm - spectrum.z_ohm) / np.abs(spectrum.z_ohm)) < 1e-6


def test_batterydf_finds_our_parquet_valid(tmp_path: Path) -> None:
    path = write_file(dummy_cell(), tmp_path / "spectrum.bdf.parquet", "parquet").path
    command = [str(peer_python(HERE / "requirements-bdf.txt")), str(HERE / "bdf_validate.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (verdict,) = json.loads(done.stdout.splitlines()[-1])
    assert (verdict["ok"], verdict["missing"], verdict["n_rows"]) == (True, [], 71)
    assert verdict["time_stats"]["monotonic"] is True
