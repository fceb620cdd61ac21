"""The main job, whole: ``labctl demo`` in a process of its own, its numbers recomputed without labctl, other benches.

Goal: what the demo prints is what its files hold, and its files hold what the physics of the cells says.
Method: run the command line, then read the run folders with pyarrow and numpy alone.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

pytestmark = pytest.mark.slow

KEYS = ["run", "run_id", "quantity", "unit", "stated", "measured", "tolerance", "ok", "rows", "from", "how"]
TIME_LIMIT_S = 600.0  # a guard against hanging, not a measurement


def labctl(*words: str, timeout_s: float = TIME_LIMIT_S) -> subprocess.CompletedProcess[str]:
    """Run one command line of labctl."""
    command = [sys.executable, "-m", "labctl", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


# --- reading run folders without labctl --------------------------------------------------------------------------


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def rows_of(folder: Path) -> dict[str, np.ndarray]:
    """Return the rows of a run up to its end, by column."""
    names = ["sequence", "test_time_second", "voltage_volt", "step_count", "step_type", "step_capacity_ah",
             "step_energy_wh"]  # fmt: skip
    tables = [parquet.read_table(path, columns=names) for path in sorted(folder.glob("records-*.parquet"))]
    rows = {name: np.concatenate([table[name].to_numpy() for table in tables]) for name in names}
    end = manifest_of(folder)["end_sequence"]
    assert np.array_equal(rows["sequence"], np.arange(1, len(rows["sequence"]) + 1)), (
        "rows are missing or doubled"
    )
    return rows if end is None else {name: column[:end] for name, column in rows.items()}


def half_cycles_of(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return one entry per step with current: in these protocols each half-cycle is one step."""
    active = rows["step_type"] != 0
    first = np.flatnonzero(active & np.append(True, rows["step_count"][1:] != rows["step_count"][:-1]))
    last = np.append(first[1:] - 1, len(active) - 1)
    time_s, voltage_V = rows["test_time_second"], rows["voltage_volt"]
    rest = (rows["step_count"] == 1) & (time_s >= time_s[first[0]] - 600.0)
    offset_V = float(voltage_V[rest].mean())  # of a symmetric cell; full cells are not judged by it
    minute_V = np.array([
        voltage_V[a : b + 1][time_s[a : b + 1] >= time_s[b] - 60.0].mean() for a, b in zip(first, last, strict=True)
    ])  # fmt: skip
    return {
        "start_h": (time_s[first] - time_s[first[0]]) / 3600.0,
        "end_h": (time_s[last] - time_s[first[0]]) / 3600.0,
        "sign": np.where(rows["step_type"][first] == 1, 1, -1),
        "charge_mAh": 1e3 * rows["step_capacity_ah"][last],
        "mean_V": rows["step_energy_wh"][last] / rows["step_capacity_ah"][last],
        "end_mV": 1e3 * np.abs(voltage_V[last] - offset_V),
        "minute_mV": 1e3 * np.abs(minute_V - offset_V),
        "largest_mV": np.array([
            1e3 * np.abs(voltage_V[a : b + 1] - offset_V).max() for a, b in zip(first, last, strict=True)
        ]),
    }  # fmt: skip


def life_h(half: dict[str, np.ndarray], area_cm2: float, current_mA: float) -> float:
    """Return the start of the first five half-cycles in a row below 10 ohm cm2, else the end of the run."""
    shorted = half["minute_mV"] * area_cm2 / current_mA < 10.0
    for row in range(len(shorted) - 4):
        if shorted[row : row + 5].all():
            return float(half["start_h"][row])
    return float(half["end_h"][-1])


def at_h(half: dict[str, np.ndarray], time_h: float) -> float:
    return float(half["end_mV"][int(np.argmin(np.abs(half["end_h"] - time_h)))])


def lithium_quantities(name: str, half: dict[str, np.ndarray], current_mA: float) -> dict[str, float]:
    """Return the study's quantities of a symmetric cell on the 10 mm disc."""
    lived_h = life_h(half, 0.785398, current_mA)
    healthy = half["start_h"] < lived_h - 1e-6
    found = {"life": lived_h, "life through the wire": lived_h, "first end |V|": at_h(half, 1.0)}
    found |= {f"end |V|, {hours} h": at_h(half, hours) for hours in (1, 4, 20, 50, 100, 120, 150, 900)}
    found["largest |V|"] = float(half["largest_mV"][half["start_h"] < 500.0].max())
    found["last end |V| before the short"] = float(half["end_mV"][healthy][-1])
    above = np.flatnonzero(half["end_mV"] > 1000.0)
    if len(above):
        found["polarisation above 1 V"] = float(half["end_h"][above[0]])
    return found


def full_cell_quantities(half: dict[str, np.ndarray], mass_mg: float) -> dict[str, float]:
    """Return the study's quantities of a cell with LTO or LFP, complete cycles only."""
    charge, discharge = half["charge_mAh"][half["sign"] > 0], half["charge_mAh"][half["sign"] < 0]
    specific = discharge / (mass_mg * 1e-3)
    efficiency = 100.0 * discharge / charge
    found = {"first discharge": float(specific[0]), "largest discharge": float(specific.max())}
    found["cycle of the largest discharge"] = float(np.argmax(specific) + 1)
    for cycle in (150, 500):
        if len(specific) >= cycle:
            found[f"discharge, cycle {cycle}"] = float(specific[cycle - 1])
            found[f"retention, cycle {cycle}"] = float(100.0 * specific[cycle - 1] / specific[0])
            found[f"retention of the maximum, cycle {cycle}"] = float(
                100.0 * specific[cycle - 1] / specific.max()
            )
    found["mean CE, cycles 1-150"] = float(efficiency[:150].mean())
    found["CE scatter, cycles 2-20"] = float(efficiency[1:20].std(ddof=1))
    found["CE scatter, cycles 25-150"] = float(efficiency[24:150].std(ddof=1))
    return found


def gap_V(half: dict[str, np.ndarray], cycle: int) -> float:
    charge, discharge = half["mean_V"][half["sign"] > 0], half["mean_V"][half["sign"] < 0]
    return float(charge[cycle - 1] - discharge[cycle - 1])


# --- the demo ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Run all ten runs once; the tests below look at what it left."""
    data = tmp_path_factory.mktemp("study")
    done = labctl("demo", "--all", "--json", "--data", str(data))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield data, json.loads(done.stdout)


def folder_of(data: Path, run_id: str) -> Path:
    return data / "runs" / "2026" / "01" / run_id


def test_the_default_demo_prints_its_comparison_and_nothing_else(tmp_path: Path) -> None:
    done = labctl("demo", "--json", "--data", str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout)
    assert {line["run"] for line in lines} == {"P1 pristine", "P1 coated"}
    for line in lines:
        assert list(line) == KEYS
        assert line["ok"] is True
        assert isinstance(line["measured"], float) and isinstance(line["rows"], int)
    for form in ("pdf", "svg", "png"):
        assert (tmp_path / "data" / "figures" / f"P1-profile.{form}").stat().st_size > 10_000
    for run_id in {line["run_id"] for line in lines}:
        folder = folder_of(tmp_path / "data", run_id)
        assert (folder / "summary.parquet").is_file()
        assert list(folder.glob("records-*.parquet")) and not list(folder.glob("*.log"))


def test_for_people_the_demo_prints_a_table_and_names_every_file(tmp_path: Path) -> None:
    done = labctl("demo", "--data", str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    for word in (
        "stated",
        "measured",
        "tolerance",
        "within",
        "P1 pristine",
        "P1 coated",
        "160 h",
        "P1-profile.pdf",
    ):
        assert word in done.stdout
    assert "NO" not in done.stdout.split()
    assert all(Path(word).exists() for word in done.stdout.split() if word.startswith(str(tmp_path)))


def test_the_whole_study_agrees_with_the_paper(whole_study: tuple[Path, list[dict[str, Any]]]) -> None:
    _, lines = whole_study
    assert len({line["run_id"] for line in lines}) == 10
    assert [line for line in lines if not line["ok"]] == []
    rows = {line["run_id"]: line["rows"] for line in lines}
    assert 1_800_000 < sum(rows.values()) < 2_400_000


def test_three_quantities_of_every_run_follow_from_its_parquet_files_alone(
    whole_study: tuple[Path, list[dict[str, Any]]],
) -> None:
    data, lines = whole_study
    halves: dict[str, dict[str, np.ndarray]] = {}
    for name in dict.fromkeys(line["run"] for line in lines):
        mine = {line["quantity"]: line for line in lines if line["run"] == name}
        folder = folder_of(data, next(iter(mine.values()))["run_id"])
        rows = rows_of(folder)
        half = halves[name] = half_cycles_of(rows)
        if name[:2] in ("P1", "P2", "P3"):
            current_mA = {"P1": 0.785398, "P2": 2.356194, "P3": 0.07854}[name[:2]]
            own = lithium_quantities(name, half, current_mA)
        else:
            own = full_cell_quantities(half, manifest_of(folder)["cell"]["active_mass_mg"])
        checked = 0
        for quantity, line in mine.items():
            assert line["rows"] == len(rows["sequence"])
            if quantity in own:
                assert line["measured"] == pytest.approx(own[quantity], rel=1e-4, abs=0.02), (name, quantity)
                checked += 1
        summary = parquet.read_table(folder / "summary.parquet").to_pydict()
        charged = half["sign"] > 0
        for column, wanted in (("charging_capacity_ah", charged), ("discharging_capacity_ah", ~charged)):
            values = np.array(summary[column])
            np.testing.assert_allclose(1e3 * values[~np.isnan(values)], half["charge_mAh"][wanted], rtol=1e-9)
            checked += 1
        assert checked >= 3, name
    ratio = gap_V(halves["P4 pristine"], 200) / gap_V(halves["P4 coated"], 200)
    stated = next(line for line in lines if line["quantity"].startswith("polarisation, pristine"))
    assert stated["measured"] == pytest.approx(ratio, rel=1e-9)


def test_ctrl_c_detaches_says_so_and_ends_the_bench_with_the_runs(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "labctl", "demo", "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:  # until both runs are under way
        if "C0002" in line or "LIQ-Z" in line:
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "bench of a demo ends with the demo" in out and "labctl runs stop" in out
    listed = json.loads(labctl("runs", "list", "--json", "--data", str(tmp_path / "data")).stdout)
    assert [run["state"] for run in listed] == ["ended", "ended"]
    assert (
        json.loads(labctl("store", "verify", "--json", "--data", str(tmp_path / "data")).stdout) is not None
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--speed", "fast"], "--speed is 'max' or a number"),
        (["--bench", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_the_demo_cannot_do_it_says_in_one_paragraph(
    words: list[str], told: str, tmp_path: Path
) -> None:
    done = labctl("demo", "--data", str(tmp_path / "data"), *words)
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
