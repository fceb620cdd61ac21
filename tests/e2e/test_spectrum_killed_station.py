"""A station process that is killed while a potentiostat drives a cell: the next one brings the cell home, off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labctl.clock import link_now_s, link_pause
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec
from labctl.testing.sim import running_bench
from labctl.testing.stationrun import connected, end, serve

CHANNEL = ChannelId("neware:1-1")
BENCH = {
    "labctl": "bench/1",
    "instruments": [{"name": "neware", "units": [{"unit": 1, "model": "5V10mA", "channels": 2}]}],
    "cells": [{"cell_id": "A1", "variant": "LIQ-P"}],
    "potentiostats": [{"name": "pico", "kind": "methodscript", "model": "es4_hr"}],
    "multiplexers": [
        {"name": "box", "potentiostat": "pico", "places": [{"place": 1, "slot": CHANNEL, "cell": "A1"}]}
    ],
}
PROTOCOL = """\
labctl: protocol/1
name: charge, rest, spectrum, discharge
safety: {voltage: [-5 V, 5 V]}
steps:
  - charge: 0.2 mA
    until: {time: 2 min, capacity: 1 mAh}
  - rest: 2 min
  - eis: {from: 10 kHz, to: 1 Hz, points_per_decade: 4, amplitude: 10 mV rms}
  - discharge: 0.2 mA
    until: {time: 2 min, capacity: 1 mAh}
"""
WITHIN_S = 90.0


@pytest.mark.slow
def test_a_killed_station_leaves_no_cell_energised_and_unowned(tmp_path: Path) -> None:
    file = tmp_path / "bench.yaml"
    file.write_text(json.dumps(BENCH), encoding="utf-8")  # JSON is YAML
    data = tmp_path / "data"
    with running_bench("--mode", "lockstep", "--bench", str(file)) as bench:
        first = serve(bench.station_file, data, {"LABCTL_KILL_AT": "eis.begin:1:20"})
        try:
            with connected(first, data) as client:
                table = Path(bench.first["cells_file"])
                client.cells.import_table(table.name, table.read_bytes())
                client.channels.load(CHANNEL, CellId("A1"))
                client.channels.set_ready(CHANNEL, True)
                client.queue.submit([JobSpec(CellId("A1"), protocol_text=PROTOCOL, channel=CHANNEL)])
            first.wait(WITHIN_S)
        finally:
            end(first)
        second = serve(bench.station_file, data)
        try:
            with connected(second, data) as client:
                until_s = link_now_s() + WITHIN_S
                while not (runs := [run for run in client.runs.list() if run.outcome]):
                    assert link_now_s() < until_s, "the run did not end"
                    link_pause(0.2)
                assert [run.outcome for run in runs] == ["finished"]
                (entry,) = client.spectra.list(run_id=runs[0].run_id)
                assert (entry.outcome, entry.points) == ("whole", 17)
        finally:
            end(second)
        truth = bench.admin("truth", slot="pico")
        assert truth["cell_on"] is False
        assert sum(one["what"] == "cell_on" for one in truth["switched"]) in (1, 2)  # a kill may come first
        assert bench.admin("violations")["violations"] == []
