"""A cell is cycled, switched to a 273A, measured by lock-in and switched back: one cell object, its age in both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labctl_simulators.bench import open_bench

STEPS = (
    '<?xml version="1.0" encoding="utf-8"?><root><config type="Step File" version="17" '
    'client_version="BTS Client 8.0.0.478(2024.06.24)(R3)" date="20260101000000" Guid="g"><Head_Info>'
    '<Scale Value="1" /></Head_Info><Whole_Prt><Protect><Main><Volt><Upper Value="50000" />'
    '<Lower Value="-50000" /></Volt><Delay_Time Value="1000" /></Main></Protect><Record><Main>'
    '<Time Value="600000" /></Main></Record></Whole_Prt><Step_Info Num="4">'
    '<Step1 Step_ID="1" Step_Type="1"><Limit><Main><Curr Value="0.785398" /><Time Value="3600000" /></Main></Limit>'
    '</Step1><Step2 Step_ID="2" Step_Type="2"><Limit><Main><Curr Value="0.785398" /><Time Value="3600000" /></Main>'
    '</Limit></Step2><Step3 Step_ID="3" Step_Type="5"><Limit><Other><Start_Step Value="1" />'
    '<Cycle_Count Value="20" /></Other></Limit></Step3><Step4 Step_ID="4" Step_Type="6" /></Step_Info></config></root>'
)
START = (
    '<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0"><cmd>start</cmd><list count="1"><start ip="127.0.0.1" '
    'devtype="27" devid="33" subdevid="1" chlid="1" barcode="b">{}</start></list></bts>\n\n#\r\n'
)


def spectrum_point(box: Any, bench: Any) -> complex:
    """Measure 1 Hz by lock-in at the potential where the cell rests, and leave the cell off."""

    def ask(address: int, line: str) -> str:
        box.receive(f"++addr {address}\n{line}\n".encode())
        return str(box.receive(b"++read eoi\n").replace(b"\x00", b"").decode().strip())

    rest_mV = ask(14, "READE")
    box.receive(f"MODE 2;AR 0;I/E -3;SETE {rest_mV};CELL 1;EXT 1\n".encode())
    box.receive(b"++addr 12\nOA. 0.01\nOF. 1\nTC 14\nSEN 27\n")
    found = []
    for mode in (1, 2):
        box.receive(f"++addr 12\nVMODE {mode}\n".encode())
        bench.advance_to(bench.now_s + 5.0)
        found.append(complex(*map(float, ask(12, "XY.").split(","))))
    box.receive(b"++addr 14\nCELL 0;EXT 0\n")
    return found[1] / found[0] * 1e3


def test_a_spectrum_between_cycles_is_that_of_the_cell_as_the_cycler_has_aged_it(tmp_path: Path) -> None:
    chamber = {"name": "box", "air_degC": 25, "setpoint_degC": 25, "on": True, "profile": "ideal"}
    cycler = {"name": "neware", "profile": "ideal", "units": [{"unit": 1, "model": "5V10mA", "channels": 1}]}
    par = {"name": "par", "kind": "par273a", "model": "273A", "profile": "ideal", "lockin": "7270"}
    place = {"place": 1, "slot": "neware:1-1", "cell": "A"}
    bench = open_bench({
        "labctl": "bench/1", "instruments": [cycler], "chambers": [chamber], "potentiostats": [par],
        "cells": [{"cell_id": "A", "variant": "LIQ-P", "chamber": "box"}],
        "multiplexers": [{"name": "mux", "potentiostat": "par", "places": [place]}],
    })  # fmt: skip
    mux, box, tester = bench.connect("mux"), bench.connect("par"), bench.connect("neware")
    steps = tmp_path / "steps.xml"
    steps.write_text(STEPS, "utf-8")
    box.receive(b"++eos 3\n++eoi 1\n")
    mux.receive(b"ROUT:CLOS (@201)\n")
    fresh_ohm = spectrum_point(box, bench)
    assert fresh_ohm == pytest.approx(138.485 - 10.087j, rel=1e-3)  # cell-models.md section 6
    mux.receive(b"ROUT:OPEN (@201)\nROUT:CLOS (@101)\n")
    assert b"ok" in tester.receive(START.format(steps).encode())
    bench.advance_to(bench.now_s + 41 * 3600.0)
    assert b"ok" not in mux.receive(b"ROUT:OPEN (@101)\nROUT:CLOS (@201)\n")
    aged_ohm = spectrum_point(box, bench)
    told = bench.admin({"do": "truth", "slot": "par"})["cell"]
    assert told["throughput_mAh_cm2"] == pytest.approx(40.0, rel=1e-3)
    assert abs(aged_ohm.real / fresh_ohm.real - 1.0) > 0.02  # its film has thinned by then
    film_ohm = told["elements_ohm"]["bulk"] + told["elements_ohm"]["sei"]
    assert film_ohm < aged_ohm.real < sum(told["elements_ohm"].values())  # diffusion is slower than 1 Hz
    mux.receive(b"ROUT:OPEN (@201)\nROUT:CLOS (@101)\n")
    assert bench.admin({"do": "truth", "slot": "neware:1-1"})["cell"]["cell_id"] == "A"
    assert bench.violations == []
