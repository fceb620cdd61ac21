"""Spectra inside a run: the cell goes to the potentiostat and back, and nobody drives it from two sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.engine.machines.findings import Outcome
from labctl.model.handover import Stage
from labctl.testing.handoverbench import HandoverBench, wish


@pytest.mark.parametrize("multiplexer", [False, True])
def test_charge_rest_eis_discharge_ten_times(tmp_path: Path, multiplexer: bool) -> None:
    lab = HandoverBench(tmp_path, multiplexer=multiplexer)
    result = lab.supervise(lab.one(wish(10)))
    assert result.outcome is Outcome.FINISHED, result
    assert lab.violations() == []
    assert lab.energised() == 10 and not lab.pstat()["cell_on"]
    stored = lab.spectra(result.run_id)
    assert [one.spectrum_id for one in stored] == [f"{result.run_id}-e{number}" for number in range(1, 11)]
    assert {(len(one.spectrum), one.outcome, one.part) for one in stored} == {(7, "whole", 1)}
    assert lab.energising("1-1") == ["start"] * 20
    ways = [stage for _, stage in lab.heard.stages]
    assert ways == list(Stage) * 10
