"""impedance.py, read on its own, agrees with our circuits' impedances and with what our fit finds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec

from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.fit import Weighting, fit
from labctl.testing.peerenv import peer_python

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent
FREQUENCY_Hz = np.geomspace(1e6, 0.1, 71)
CIRCUITS: list[tuple[str, list[float]]] = [
    ("L0-R0-p(R1,CPE1)-p(R2,CPE2)-W1", [4e-7, 6.4, 95.0, 5e-5, 0.84, 38.0, 1e-3, 0.88, 4.3]),
    ("R0-p(R1-Ws1,C1)", [10.0, 80.0, 30.0, 2.0, 1e-5]),
    ("R0-p(R1,C1)-Wo1-C2", [2.5, 8.0, 2e-5, 20.0, 5.0, 0.1]),
]
SPECTRA = ("LIQ-P", "LIQ-Z", "PEO-Z")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    text, start = CIRCUITS[0]
    spectra = [Cell(CellSpec(name, name)).impedance(FREQUENCY_Hz) for name in SPECTRA]
    work = tmp_path_factory.mktemp("circuits") / "work.json"
    plain = {
        "frequency_Hz": FREQUENCY_Hz.tolist(),
        "circuits": CIRCUITS,
        "spectra": [(text, start, z_ohm.real.tolist(), z_ohm.imag.tolist()) for z_ohm in spectra],
    }
    work.write_text(json.dumps(plain), encoding="utf-8")
    python = peer_python(HERE / "requirements-impedance-readers.txt")
    command = [str(python), str(HERE / "impedance_circuits.py"), str(work)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("place", range(len(CIRCUITS)))
def test_a_circuit_has_the_same_impedance_there(place: int, theirs: Any) -> None:
    text, values = CIRCUITS[place]
    ours_ohm = Circuit.read(text).impedance_ohm(FREQUENCY_Hz, np.array(values))
    real, imaginary = theirs["impedances"][place]
    theirs_ohm = np.array(real) + 1j * np.array(imaginary)
    assert np.abs(ours_ohm / theirs_ohm - 1.0).max() < 1e-9


@pytest.mark.parametrize("place", range(len(SPECTRA)))
def test_a_fit_with_modulus_weights_ends_at_the_same_values_there(place: int, theirs: Any) -> None:
    z_ohm = Cell(CellSpec(SPECTRA[place], SPECTRA[place])).impedance(FREQUENCY_Hz)
    ours = fit(Circuit.read(CIRCUITS[0][0]), FREQUENCY_Hz, z_ohm, weighting=Weighting.MODULUS)
    assert ours.values == pytest.approx(theirs["fits"][place], rel=0.01)
