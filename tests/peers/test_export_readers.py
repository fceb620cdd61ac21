"""Other people's readers and validators agree with what labctl exports. Each runs in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.model.ids import RunId
from labctl.store.export import export_run
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.peerenv import peer_python
from labctl.testing.rows import cycling_rows

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent
START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 5000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunReader:
    root = DataRoot(tmp_path_factory.mktemp("exports") / "data")
    manifest = {"cell": {"cell_id": "C1"}, "started_utc": START.isoformat()}
    writer = RunWriter.create(root, RunId("run"), manifest, START)
    writer.append(cycling_rows(ROWS), Receipt("2026-01-01T00:00:00Z", 0.0, "test"))
    writer.ambient(0.0, 25.0)
    writer.finish(None)
    return RunReader(writer.folder)


def answers(requirements: str, script: str, *arguments: Path) -> Any:
    python = peer_python(HERE / requirements)
    command = [str(python), str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("profile", ["0.1", "1.3"])
def test_batterydf_finds_our_csv_and_parquet_valid(run: RunReader, tmp_path: Path, profile: str) -> None:
    files = [
        export_run(run, fmt, tmp_path / f"cell.bdf.{suffix}", bdf_profile=profile)
        for fmt, suffix in (("bdf-csv", "csv"), ("bdf-parquet", "parquet"))
    ]
    for verdict in answers("requirements-bdf.txt", "bdf_validate.py", *files):
        assert verdict["ok"] is True
        assert verdict["missing"] == []
        assert verdict["n_rows"] == ROWS
        assert verdict["time_stats"]["monotonic"] is True
        if profile == "0.1":
            assert verdict["extras"] == []


def test_cellpy_and_pyprobe_read_the_same_numbers_from_the_neware_like_csv(
    run: RunReader, tmp_path: Path
) -> None:
    path = export_run(run, "neware-csv", tmp_path / "cell.csv")
    read = answers("requirements-cycler-readers.txt", "cycler_readers.py", path, tmp_path)
    block = run.records()
    for reader in ("cellpy", "pyprobe"):
        assert read[reader]["rows"] == ROWS
        np.testing.assert_allclose(read[reader]["voltage_V"], block["voltage_volt"], rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(read[reader]["current_A"], block["current_ampere"], rtol=1e-8)
        np.testing.assert_allclose(read[reader]["test_time_s"], block["test_time_second"])
    cycles = int(block["cycle_count"][-1])
    full_Ah = 0.785398e-3
    np.testing.assert_allclose(read["cellpy"]["charge_Ah"], np.full(cycles, full_Ah), rtol=1e-8)
    np.testing.assert_allclose(read["cellpy"]["discharge_Ah"][:-1], np.full(cycles - 1, full_Ah), rtol=1e-8)
    net_Ah = np.asarray(read["pyprobe"]["capacity_Ah"])
    assert np.ptp(net_Ah) == pytest.approx(full_Ah, rel=1e-6)
    assert read["pyprobe"]["step"] == block["step_id"].tolist()
