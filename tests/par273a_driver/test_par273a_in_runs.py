"""A 273A in a run: the cell goes to it and back, by a person and by the multiplexer, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.engine.machines.findings import Outcome
from labctl.testing.fakeruns import job
from labctl.testing.handoverbench import HandoverBench, cycle_with_spectrum

WITH_FRA = ({"kind": "par273a", "model": "273A", "fra": "1260"}, "par273a", {"analyser": "solartron1260"})
WITH_LOCKIN = ({"kind": "par273a", "model": "273A", "lockin": "7265"}, "par273a", {"analyser": "lockin72xx"})


@pytest.mark.parametrize(
    ("instrument", "multiplexer"), [(WITH_FRA, True), (WITH_LOCKIN, False)], ids=["1260", "7265"]
)
def test_a_cell_is_measured_between_charge_and_discharge(
    tmp_path: Path, multiplexer: bool, instrument: tuple[dict[str, object], str, dict[str, object]]
) -> None:
    lab = HandoverBench(tmp_path, multiplexer=multiplexer, instrument=instrument)
    result = lab.supervise(lab.one(job(cycle_with_spectrum(1))))
    assert result.outcome is Outcome.FINISHED, result
    assert lab.violations() == []
    assert lab.energised() == 1 and not lab.pstat()["cell_on"]
    (stored,) = lab.spectra(result.run_id)
    assert (len(stored.spectrum), stored.outcome) == (7, "whole")
    assert (stored.spectrum.z_re_ohm > 0).all() and (stored.spectrum.z_im_ohm < 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("multiplexer", [False, True])
def test_lost_links_late_answers_and_killed_stations_leave_no_cell_energised(
    tmp_path: Path, multiplexer: bool
) -> None:
    lab = HandoverBench(tmp_path, multiplexer=multiplexer, instrument=WITH_FRA)
    lab.when_measuring(2, lambda: lab.cable_out("pstat", lab.bench.now_s, lab.bench.now_s + 40.0))
    lab.when_measuring(2, lambda: lab.admin("fault", instrument="pstat", kind="late", delay_s=1.0, count=2))
    lab.when_measuring(2, lambda: lab.cable_out("neware", lab.bench.now_s, lab.bench.now_s + 90.0))
    run_id = lab.killed(job(cycle_with_spectrum(6)), "eis.begin", 4)
    for point in ("eis.joined" if multiplexer else "eis.leads", "eis.measured", "eis.end"):
        lab.killed_again(run_id, point)
    result = lab.taken_up(run_id)
    assert result.outcome is Outcome.FINISHED, result
    assert lab.violations() == [] and not lab.pstat()["cell_on"]
    assert [(len(one.spectrum), one.outcome) for one in lab.spectra(run_id)] == [(7, "whole")] * 6
