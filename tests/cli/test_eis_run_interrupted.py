"""``labctl eis run`` as a process of its own beside ``labctl sim``: Ctrl-C in mid-sweep switches the cell off."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.analysis.eisfiles.formats import read_file
from labctl.testing.commandline import Following
from labctl.testing.sim import running_bench

BENCH = """
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA}]}
potentiostats:
  - {name: pico, model: espico, dummy: D1, profile: ideal}
"""
SWEEP = ("--from", "1 kHz", "--to", "100 mHz", "--points-per-decade", "5", "--settle", "0 s")


@pytest.mark.slow
def test_ctrl_c_in_mid_sweep_switches_the_cell_off_and_keeps_the_points(tmp_path: Path) -> None:
    (tmp_path / "bench.yaml").write_text(BENCH, encoding="utf-8")
    out = tmp_path / "d1.parquet"
    with running_bench("--bench", str(tmp_path / "bench.yaml"), "--speed", "2") as bench:
        resource = f"tcp://127.0.0.1:{bench.instrument('pico')['port']}"
        where = ("--driver", "methodscript", "--resource", resource, "--admin", bench.first["admin"])
        following = Following("eis", "run", *where, *SWEEP, "--out", str(out))
        following.wait_for("|Z|")
        assert bench.admin("truth", slot="pico")["cell_on"]
        for _ in range(3):  # a frightened hand presses it more than once
            following.interrupt()
            bench.admin("hello")
        left = following.finish()
        assert not bench.admin("truth", slot="pico")["cell_on"]
        assert bench.admin("violations")["violations"] == []
    assert left.code == 1
    assert "The cell is off." in left.out and "of 21 points" in left.out
    spectrum = read_file(out)[0].spectra[0]
    assert 1 <= len(spectrum) < 21
    assert any("ended by a person" in note for note in spectrum.head.notes)
