"""The station file that a served bench writes names its potentiostats and multiplexers as the station reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labctl_drivers.par273a.options import options_from
from labctl_simulators.bench import open_bench
from labctl_simulators.pace import Mode, Pace
from labctl_simulators.server import Serving
from labctl_simulators.station import station_text

from labctl.config.station import StationFile, parse_station
from labctl.model.ids import ChannelId

CYCLER = {"name": "neware", "units": [{"unit": 1, "model": "5V10mA", "channels": 3}]}
PICO = {"name": "pico", "kind": "methodscript", "model": "espico", "link": "pty"}
MUX = {
    "name": "mux", "potentiostat": "pico",
    "places": [{"place": 4, "slot": "neware:1-1", "cell": "A"}, {"place": 7, "slot": "neware:1-2"}, {"place": 9}],
}  # fmt: skip


def written(**parts: Any) -> StationFile:
    """Return what the station reads of a bench with these parts."""
    spec = {
        "labctl": "bench/1",
        "instruments": [CYCLER],
        "cells": [{"cell_id": "A", "variant": "LIQ-P"}],
        **parts,
    }
    bench = open_bench(spec)
    names = ["admin", *bench.parts.names]
    serving = Serving(ports={name: 4000 + at for at, name in enumerate(names)}, ptys={"pico": "/dev/pts/7"})
    return parse_station(station_text(bench, Pace(bench, Mode.LOCKSTEP, None), serving, Path("bench")))


def test_a_potentiostat_and_its_multiplexer_come_with_driver_link_and_places() -> None:
    station = written(potentiostats=[PICO], multiplexers=[MUX])
    (pico,), (mux,) = station.potentiostats, station.switches
    assert (pico.driver, pico.resource, pico.channels) == ("methodscript", "serial:///dev/pts/7", ())
    assert (mux.driver, mux.resource) == ("multiplexer", "tcp://127.0.0.1:4003")
    assert mux.places == {ChannelId("neware:1-1"): 4, ChannelId("neware:1-2"): 7}
    assert (mux.potentiostat, mux.driver_options) == ("pico", {"places": 9})


def test_a_versastat_comes_with_the_address_of_its_bridge_and_the_file_of_its_token() -> None:
    entry = {"kind": "versastat", "model": "parstat4000a"}
    devices = [{**entry, "name": "a", "token": "secret"}, {**entry, "name": "b", "bridge": "public"}]
    (parstat,) = written(potentiostats=devices).potentiostats
    assert (parstat.driver, parstat.resource) == ("versastat-vdk", "http://127.0.0.1:4002")
    assert parstat.driver_options == {"token_file": str(Path("bench") / "a.token")}


def test_a_273a_comes_with_its_bus_and_the_analyser_beside_it() -> None:
    entry = {"kind": "par273a", "model": "273A"}
    devices = [
        {**entry, "name": "box", "lockin": "7265", "address": 9, "terminator": "cr"},
        {**entry, "name": "fra", "fra": "1260"},
        {**entry, "name": "bare"},
    ]
    box, fra, bare = written(potentiostats=devices).potentiostats
    assert (box.driver, box.resource) == ("par273a", "tcp://127.0.0.1:4002")
    assert box.driver_options == {"address": 9, "terminator": "cr", "analyser": "lockin72xx"}
    assert fra.driver_options == {"address": 14, "terminator": "crlf", "analyser": "solartron1260"}
    assert bare.driver_options == {"address": 14, "terminator": "crlf"}
    for one in (box, fra, bare):
        options_from(one.name, one.resource, one.driver_options)


def test_a_273a_on_rs_232_is_told_where_the_box_of_its_analyser_is() -> None:
    entry = {"kind": "par273a", "model": "273A", "name": "pico", "link": "pty", "lockin": "7270"}
    (line,) = written(potentiostats=[entry]).potentiostats
    assert line.resource == "serial:///dev/pts/7"
    assert line.driver_options["analyser_resource"] == "tcp://127.0.0.1:4005"
    options_from(line.name, line.resource, line.driver_options)


def test_what_only_a_person_can_drive_is_left_to_people() -> None:
    assert (
        written(potentiostats=[{"kind": "powersuite", "name": "old", "model": "parstat2263"}]).potentiostats
        == ()
    )


def test_a_bench_without_potentiostats_writes_none() -> None:
    station = written()
    assert station.potentiostats == () and station.switches == ()


def test_a_channel_whose_cell_hangs_in_a_multiplexer_stands_in_the_chamber_of_that_cell() -> None:
    room = {"name": "room", "air_degC": 25, "setpoint_degC": 25, "on": True}
    cell = {"cell_id": "A", "variant": "LIQ-P", "chamber": "room"}
    station = written(potentiostats=[PICO], multiplexers=[MUX], chambers=[room], cells=[cell])
    assert [entry.channels for entry in station.chambers] == [(ChannelId("neware:1-1"),)]
