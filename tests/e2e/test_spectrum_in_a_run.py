"""A spectrum in the middle of a run: bench and station as processes, client and command line over their sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labctl.cli.app import main
from labctl.clock import link_now_s, link_pause
from labctl.model.handover import Stage
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec
from labctl.testing.commandline import captured
from labctl.testing.stationrun import StationRun, running_station

CHANNEL = ChannelId("neware:1-1")
WITHIN_S = 90.0
BENCH = {
    "labctl": "bench/1",
    "instruments": [{"name": "neware", "units": [{"unit": 1, "model": "5V10mA", "channels": 2}]}],
    "cells": [{"cell_id": "A1", "slot": "neware:1-1", "variant": "LIQ-P"}],
    "potentiostats": [{"name": "pico", "kind": "methodscript", "model": "es4_hr"}],
}
PROTOCOL = """\
labctl: protocol/1
name: charge, rest, spectrum, discharge
safety: {voltage: [-5 V, 5 V]}
steps:
  - charge: 0.2 mA
    until: {time: 5 min, capacity: 1 mAh}
  - rest: 5 min
  - eis: {from: 200 kHz, to: 1 Hz, points_per_decade: 8, amplitude: 10 mV rms}
  - discharge: 0.2 mA
    until: {time: 5 min, capacity: 1 mAh}
"""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    folder = tmp_path_factory.mktemp("spectrum")
    bench = folder / "bench.yaml"
    bench.write_text(json.dumps(BENCH), encoding="utf-8")  # JSON is YAML
    with running_station(folder, "--bench", str(bench)) as running:
        yield running


def until(told: Callable[[], Any]) -> Any:
    """Wait until something is so, and return what it is."""
    until_s = link_now_s() + WITHIN_S
    while not (found := told()):
        assert link_now_s() < until_s, "it did not come"
        link_pause(0.1)
    return found


def submit(station: StationRun) -> str:
    """Queue the protocol; return the run's id once it has begun."""
    spec = JobSpec(CellId("A1"), protocol_text=PROTOCOL, channel=CHANNEL)
    (planned,) = station.client.queue.submit([spec]).jobs
    assert planned.job_id is not None, planned.errors
    job_id = planned.job_id
    return str(until(lambda: station.client.queue.get(job_id).run_id))


def carry(station: StationRun, to: str) -> None:
    """Move the cell's leads on the bench."""
    assert station.bench.admin("cell.place", cell="A1", to=to)["ok"]


def labctl(station: StationRun, *words: str) -> Any:
    """Call the command line; return what it says as JSON."""
    call = captured(main, *words, "--data", str(station.data), "--json")
    assert call.code == 0, call.err
    return call.json


@pytest.mark.slow
def test_a_client_confirms_the_leads_and_the_spectrum_is_listed_and_fitted(station: StationRun) -> None:
    run_id, client = submit(station), station.client
    asked = until(lambda: [one for one in client.handovers.list() if one.asked])[0]
    assert (asked.run_id, asked.stage, asked.potentiostat) == (run_id, Stage.TO_POTENTIOSTAT, "pico")
    carry(station, "pico")
    client.handovers.confirm(run_id)
    until(lambda: any(one.asked and one.stage is Stage.TO_CYCLER for one in client.handovers.list()))
    assert station.bench.admin("truth", slot="pico")["cell_on"] is False
    carry(station, CHANNEL)
    client.handovers.confirm(run_id)
    assert client.runs.wait(run_id).outcome == "finished"
    (entry,) = client.spectra.list(run_id=run_id)
    assert (entry.cell_id, entry.outcome, entry.points) == ("A1", "whole", 43)
    fitted = client.spectra.fit(entry.spectrum_id)
    assert fitted.outcome == "fitted" and fitted.kk is not None and fitted.kk.passed
    bulk = next(one for one in fitted.resistances if one.name == "R_b")
    assert bulk.low < bulk.value < bulk.high and bulk.resolved
    assert "eis.end" in [event["kind"] for event in client.runs.events(run_id)]
    assert station.bench.admin("violations")["violations"] == []


@pytest.mark.slow
def test_the_same_is_done_by_words_on_the_command_line(station: StationRun) -> None:
    run_id = submit(station)

    def asked(stage: Stage) -> bool:
        return any(one.asked and one.stage is stage for one in station.client.handovers.list())

    for stage, place in ((Stage.TO_POTENTIOSTAT, "pico"), (Stage.TO_CYCLER, CHANNEL)):
        until(lambda stage=stage: asked(stage))
        (told,) = labctl(station, "handover", "list")
        assert told["asked"] and told["stage"] == stage
        carry(station, place)
        assert labctl(station, "handover", "confirm", CHANNEL, "--by", "Anna")["run_id"] == run_id
    assert station.client.runs.wait(run_id).outcome == "finished"
    (spectrum,) = [one for one in labctl(station, "eis", "list", "--cell", "A1") if one["run_id"] == run_id]
    (fitted,) = labctl(station, "eis", "fit", spectrum["id"])
    assert fitted["outcome"] == "fitted"
    (pico,) = station.client.potentiostats.list()
    sweep = ("--from", "1 kHz", "--to", "10 Hz", "--out", str(station.data.parent / "own.parquet"))
    own = captured(main, "eis", "run", "--driver", "methodscript", "--resource", pico.resource, *sweep)
    assert own.code == 1 and "A station takes spectra itself" in own.err
