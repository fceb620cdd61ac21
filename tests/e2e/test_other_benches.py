"""Other discs, currents and seeds move the numbers as physics says.

Goal: nothing in the product knows the reference study's results. Method: a bench of one's own (12 mm discs, two
seeds), the same protocol with another current, run by the command line; expectations from geometry and from the
published life statistics of the virtual cells (hard short at Q = 160 mAh/cm2 x exp(0.04 z), z of the bench's seed).
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

from labctl.testing.sim import running_bench

pytestmark = pytest.mark.slow

AREA_CM2 = math.pi * 0.6**2
BENCH = """\
labctl: bench/1
name: twelve millimetres
instruments:
  - name: neware
    kind: neware-bts
    devid: 33
    devtype: 27
    profile: calibrated
    units:
      - {unit: 1, model: 5V10mA, channels: 8}
chambers:
  - {name: room-25, air_degC: 25, setpoint_degC: 25, on: true}
cells:
  - {cell_id: D0001, name: LIQ-P 12 mm, slot: "neware:1-1", variant: LIQ-P, diameter_mm: 12, chamber: room-25}
"""


def labctl(*words: str) -> Any:
    """Run one command line with --json and return what it printed."""
    command = [sys.executable, "-m", "labctl", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def run_on_a_bench(
    folder: Path, *, seed: int, current: str, cycles: int = 250
) -> tuple[Path, dict[str, Any]]:
    """Run P1 with another current on the 12 mm cell of a bench with this seed; return the run folder and result."""
    folder.mkdir()
    bench_file = folder / "bench.yaml"
    bench_file.write_text(BENCH, encoding="utf-8")
    data = str(folder / "data")
    with running_bench("--mode", "lockstep", "--bench", str(bench_file), "--seed", str(seed)) as bench:
        station = bench.station_file
        labctl("cells", "import", str(station.with_name("cells.csv")), "--data", data)
        words = ["--cell", "D0001", "--channel", "neware:1-1", "--set", f"current={current}"]
        words += ["--set", f"cycles={cycles}", "--station", str(station), "--data", data]
        result = labctl("run", "--alone", "p1-li-li-1mA", *words)[0]
    return Path(result["folder"]), result


def ends_of(folder: Path) -> dict[str, np.ndarray]:
    """Return the last record of every step with current: hours of test time without the rest, mV, mAh."""
    names = ["test_time_second", "voltage_volt", "step_type", "step_count", "step_capacity_ah"]
    tables = [parquet.read_table(path, columns=names) for path in sorted(folder.glob("records-*.parquet"))]
    rows = {name: np.concatenate([table[name].to_numpy() for table in tables]) for name in names}
    last = np.flatnonzero(np.append(rows["step_count"][1:] != rows["step_count"][:-1], True))
    rest_s = float(rows["test_time_second"][last[0]])
    last = last[1:]
    return {
        "time_h": (rows["test_time_second"][last] - rest_s) / 3600.0,
        "end_mV": 1e3 * np.abs(rows["voltage_volt"][last]),
        "charge_mAh": 1e3 * rows["step_capacity_ah"][last],
    }


def short_mAh_per_cm2(seed: int, cell_id: str) -> float:
    z = np.random.default_rng([seed, zlib.crc32(cell_id.encode())]).standard_normal()
    return float(160.0 * np.exp(0.04 * z))


def test_a_larger_disc_takes_more_current_and_charge_and_shows_the_same_voltage(tmp_path: Path) -> None:
    folder, result = run_on_a_bench(tmp_path / "a", seed=7, current="1 mA/cm^2", cycles=2)
    assert result["outcome"] == "finished"
    ends = ends_of(folder)
    np.testing.assert_allclose(ends["charge_mAh"], AREA_CM2 * 1.0, rtol=1e-5)
    np.testing.assert_allclose(ends["time_h"], [1.0, 2.0, 3.0, 4.0], atol=1e-3)
    assert ends["end_mV"][0] == pytest.approx(128.5, rel=0.025)
    assert ends["end_mV"][3] == pytest.approx(116.2, rel=0.025)


def test_twice_the_current_halves_the_time_raises_the_voltage_and_shortens_the_life(tmp_path: Path) -> None:
    """The ageing clock is charge: 160 mAh/cm2 are 80 h at 2 mA/cm2; each seed shorts at its own charge."""
    lives_h: dict[int, float] = {}
    digests = set()
    for seed in (2, 7, 24):
        folder, result = run_on_a_bench(tmp_path / str(seed), seed=seed, current="2 mA/cm^2")
        ends = ends_of(folder)
        np.testing.assert_allclose(ends["charge_mAh"][:10], AREA_CM2 * 1.0, rtol=1e-5)
        assert ends["time_h"][0] == pytest.approx(0.5, abs=1e-3)
        # ohmic parts double, charge transfer (asinh) a little less
        assert 1.90 < ends["end_mV"][0] / 128.5 < 2.02
        if result["outcome"] == "short":
            lives_h[seed] = ends["time_h"][np.flatnonzero(ends["end_mV"] < 20.0)[0]]
            assert lives_h[seed] == pytest.approx(short_mAh_per_cm2(seed, "D0001") / 2.0, abs=0.6)
        else:  # the voltage limit came first: only a cell that would have shorted late gets so far
            assert result["outcome"] == "protect"
            lives_h[seed] = float(ends["time_h"][-1])
            assert short_mAh_per_cm2(seed, "D0001") > 2.0 * lives_h[seed]
        assert 65.0 < lives_h[seed] < 82.0
        digests.add(
            labctl("store", "digest", result["run_id"], "--data", str(folder.parents[3]))[0]["digest"]
        )
    assert len(digests) == 3
    assert len({round(life_h) for life_h in lives_h.values()}) >= 2


def test_a_bench_whose_pristine_cell_is_coated_is_told_as_it_is(tmp_path: Path) -> None:
    """Nothing of the demo's comparison is preset: the wrong cell gives the wrong numbers and says so."""
    bench_file = tmp_path / "bench.yaml"
    bench_file.write_text(
        BENCH.split("cells:")[0]
        + """\
cells:
  - {cell_id: C0001, name: LIQ-P, slot: "neware:1-1", variant: LIQ-Z, chamber: room-25}
  - {cell_id: C0002, name: LIQ-Z, slot: "neware:1-2", variant: LIQ-Z, chamber: room-25}
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "labctl", "demo", "--json", "--bench", str(bench_file)]
    done = subprocess.run(
        [*command, "--data", str(tmp_path / "data")], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 2, done.stderr
    lines = {(line["run"], line["quantity"]): line for line in json.loads(done.stdout)}
    assert lines["P1 pristine", "life"]["measured"] == pytest.approx(500.0)
    assert not lines["P1 pristine", "life"]["ok"]
    never = lines["P1 pristine", "polarisation above 1 V"]
    assert never["measured"] is None and "no half-cycle ended above 1 V" in never["how"]
    assert lines["P1 coated", "life"]["ok"]
