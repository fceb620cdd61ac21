"""``labctl demo eis`` in a process of its own, and its resistances recomputed from the stored files without labctl.

Goal: what the demo prints of the fresh cells is what its files hold, and that is what the cells were made of.
Method: run the command line once, read the spectra with pyarrow, fit them with numpy and scipy alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
from scipy.optimize import least_squares

pytestmark = pytest.mark.slow

TIME_LIMIT_S = 600.0  # a guard against hanging, not a measurement
AREA_cm2 = 0.785398
MADE_OF_ohm_cm2 = {"C0001": (5.0, 75.0, 30.0), "C0002": (5.0, 52.0, 22.0)}
"""Electrolyte, film and charge transfer of the fresh liquid cells, pristine and coated (cell-models.md 4.1)."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    data = tmp_path_factory.mktemp("eis")
    command = [sys.executable, "-m", "labctl", "demo", "eis", "--json", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield data, json.loads(done.stdout)


def spectrum_of(data: Path, spectrum_id: str) -> tuple[np.ndarray, np.ndarray]:
    """Return frequency (Hz) and impedance (ohm) of a run's spectrum."""
    run_id, _, number = spectrum_id.rpartition("-e")
    (path,) = data.glob(f"runs/*/*/{run_id}/spectra/*-{number}.parquet")
    table = parquet.read_table(path)
    names = ("Frequency / Hz", "Real Impedance / ohm", "Imaginary Impedance / ohm")
    frequency_Hz, real_ohm, imaginary_ohm = (table[name].to_numpy() for name in names)
    return frequency_Hz, real_ohm + 1j * imaginary_ohm


def fitted_ohm(frequency_Hz: np.ndarray, z_ohm: np.ndarray) -> tuple[float, float]:
    """Return R_b and the sum of both arcs of L-R-(RQ)-(RQ)-W, in ohm, each parameter by its logarithm."""
    s = 2j * np.pi * frequency_Hz

    def model(logs: np.ndarray) -> np.ndarray:
        coil, bulk, sei, tau_sei, ct, tau_ct, warburg = np.exp(logs[:7])
        arcs = sei / (1.0 + (s * tau_sei) ** logs[7]) + ct / (1.0 + (s * tau_ct) ** logs[8])
        return coil * s + bulk + arcs + warburg / np.sqrt(s)

    def off(logs: np.ndarray) -> np.ndarray:
        return np.concatenate(((model(logs) - z_ohm).real, (model(logs) - z_ohm).imag))

    wide_ohm = float(np.ptp(z_ohm.real))
    start = [*np.log([4e-7, 5.0, 0.7 * wide_ohm, 1.5e-3, 0.3 * wide_ohm, 2e-2, 2.0]), 0.85, 0.85]
    best = least_squares(off, start, x_scale="jac", max_nfev=2000).x
    return float(np.exp(best[1])), float(np.exp(best[2]) + np.exp(best[4]))


def test_every_spectrum_is_within_its_limits_and_the_shorted_one_is_told_so(
    shown: tuple[Path, dict[str, Any]],
) -> None:
    data, told = shown
    assert told["ok"] and told["problems"] == []
    assert [(row["cell"], row["cycle"]) for row in told["life"]] == [
        (cell, cycle) for cell in ("C0001", "C0002") for cycle in (0, 20, 50, 75, 100)
    ]
    assert [row["outcome"] for row in told["life"]] == ["fitted"] * 4 + ["shorted"] + ["fitted"] * 5
    assert all(row["points"] == 71 and row["kk"]["passed"] for row in told["life"])
    assert told["life"][4]["quantities"] == []
    reach_Hz = {row["potentiostat"]: row["from_Hz"] for row in told["others"]}
    assert sorted(reach_Hz.values()) == [1e5, 2e5, 1e6]
    assert len(told["others"]) == 6 and all(row["ok"] for row in told["others"])
    for form in ("pdf", "svg", "png"):
        assert (data / "figures" / f"P6-ages.{form}").stat().st_size > 10_000


@pytest.mark.parametrize("cell", ["C0001", "C0002"])
def test_bulk_and_sum_of_the_fresh_cells_follow_from_their_files_alone(
    cell: str, shown: tuple[Path, dict[str, Any]]
) -> None:
    data, told = shown
    row = next(row for row in told["life"] if row["cell"] == cell)
    printed = {line["quantity"]: line for line in row["quantities"]}
    bulk_ohm, sum_ohm = fitted_ohm(*spectrum_of(data, row["spectrum"]))
    assert printed["R_b"]["fitted_ohm"] == pytest.approx(bulk_ohm, rel=0.01)
    assert printed["R_SEI + R_ct"]["fitted_ohm"] == pytest.approx(sum_ohm, rel=0.01)
    bulk, sei, ct = MADE_OF_ohm_cm2[cell]
    assert printed["R_b"]["truth_ohm"] == pytest.approx(bulk / AREA_cm2, rel=1e-4)
    assert bulk_ohm * AREA_cm2 == pytest.approx(bulk, rel=0.05)
    assert sum_ohm * AREA_cm2 == pytest.approx(sei + ct, rel=0.05)
