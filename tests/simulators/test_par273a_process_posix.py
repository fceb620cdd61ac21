"""A served 273A, its box and a multiplexer, spoken to by clients that are not ours: sockets, terminals, pyvisa-py.

pyvisa-py brings its own support of Prologix boxes (potentiostat.md 2.4.8); nothing here knows the simulator's codecs.
"""

from __future__ import annotations

import math
import os
import select
import socket
from pathlib import Path

import pytest
import pyvisa

from labctl.testing.sim import RunningBench, running_bench

BENCH = """\
labctl: bench/1
instruments: []
potentiostats:
  - {name: par, kind: par273a, model: 273A, profile: ideal, fra: "1260"}
  - {name: ser, kind: par273a, model: 273A, profile: ideal, dummy: D1, link: pty, lockin: "7270"}
multiplexers:
  - {name: mux, link: pty, potentiostat: par, places: [{place: 1, dummy: D1}]}
"""


def asked(terminal: int, text: bytes, end: bytes) -> bytes:
    """Write to a terminal and read until an answer ends."""
    os.write(terminal, text)
    said = b""
    while not said.endswith(end):
        assert select.select([terminal], [], [], 20.0)[0], said
        said += os.read(terminal, 4096)
    return said


@pytest.mark.slow
def test_clients_of_others_play_identity_setting_refusal_and_a_point_of_a_spectrum(tmp_path: Path) -> None:
    file = tmp_path / "bench.yaml"
    file.write_text(BENCH, "utf-8")
    with running_bench("--bench", str(file), "--speed", "5") as bench:
        mux = os.open(bench.instrument("mux")["path"], os.O_RDWR | os.O_NOCTTY)
        try:
            assert asked(mux, b"*IDN?\n", b"\n").startswith(b"labctl,virtual multiplexer,")
            assert asked(mux, b"ROUT:CLOS (@201)\nROUT:CLOS? (@201)\n", b"\n") == b"1\n"
        finally:
            os.close(mux)
        _gpib_by_pyvisa(bench)
        serial = os.open(bench.instrument("ser")["path"], os.O_RDWR | os.O_NOCTTY)
        try:
            assert asked(serial, b"ID\r", b"*") == b"2731\r\n*"
            assert asked(serial, b"FOO\r", b"?") == b"?"
        finally:
            os.close(serial)
        with socket.create_connection(
            ("127.0.0.1", bench.instrument("ser:lockin")["port"]), timeout=20
        ) as lockin:
            lockin.sendall(b"ID\x00")
            assert lockin.recv(64) == b"7270\n\x00\x01\x00"
        assert bench.admin("violations")["violations"] == []


def _gpib_by_pyvisa(bench: RunningBench) -> None:
    """Measure the dummy at 1 kHz with the 1260, behind the box, by pyvisa-py's own means."""
    manager = pyvisa.ResourceManager("@py")
    try:
        box = manager.open_resource(f"PRLGX-TCPIP0::127.0.0.1::{bench.instrument('par')['port']}::INTFC")
        par = manager.open_resource("GPIB0::14::INSTR")
        fra = manager.open_resource("GPIB0::4::INSTR")
        assert isinstance(par, pyvisa.resources.MessageBasedResource)
        assert isinstance(fra, pyvisa.resources.MessageBasedResource)
        assert par.query("ID").strip() == "2731"
        par.write("FOO")
        assert par.query("ERR").strip() == "2"
        for line in ("MODE 2", "I/E -3", "SETE 0", "CELL 1", "EXT 1"):
            par.write(line)
        assert par.query("I/E").strip() == "-3"
        for word in ("OP2,1", "SO1,2", "FR1.0000000E+3", "VA1.0000000E-2", "IS1.0000000E-1", "SI"):
            fra.write(word)
        begun_s = bench.admin("hello")["plant_s"]
        while bench.admin("hello")["plant_s"] < begun_s + 0.3:
            pass
        shown_Hz, real, imaginary, digit, _ = fra.read().strip().split(",")
        found_ohm = -complex(float(real), float(imaginary)) / 1e-3
        wanted_ohm = 10.0 + 100.0 / (1.0 + 2j * math.pi * 1000.0 * 100.0 * 100e-6)
        assert (float(shown_Hz), digit) == (1000.0, "0")
        assert abs(found_ohm - wanted_ohm) < 1e-4 * abs(wanted_ohm)
        par.write("CELL 0")
        assert par.query("CELL").strip() == "0"
        box.close()
    finally:
        manager.close()
