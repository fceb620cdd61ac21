"""The six determinism rules of virtual-time.md section 4, one by one."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
from labctl_simulators.bench import open_bench
from labctl_simulators.neware.stepfile import Step, StepKind

ADDRESS = 'devtype="27" devid="33" subdevid="{}" chlid="{}"'


def ask(link, body):
    return link.receive(f'<bts version="1.0">{body}</bts>#\r\n'.encode()).decode()


def start(link, path, unit, channel):
    row = f'<start {ADDRESS.format(unit, channel)} barcode="x">{path}</start>'
    assert ">ok<" in ask(link, f'<cmd>start</cmd><list count="1">{row}</list>')


def rows(link, unit, channel):
    found = []
    while True:
        page = re.findall(
            r"<data [^>]*/>",
            ask(
                link,
                f'<cmd>download</cmd><download {ADDRESS.format(unit, channel)} auxid="0" testid="0" '
                f'startpos="{len(found) + 1}" count="1000"/>',
            ),
        )
        found += page
        if len(page) < 1000:
            return found


def look_at_everything(link, bench, unit, channel):
    row = ADDRESS.format(unit, channel)
    ask(link, f'<cmd>inquire</cmd><list count="1"><inquire {row} aux="0" barcode="1">true</inquire></list>')
    ask(link, f'<cmd>inquiredf</cmd><list count="1"><chl {row} testid="0"/></list>')
    ask(link, f"<cmd>downloadStepLayer</cmd><downloadStepLayer {row}/>")
    bench.admin({"do": "truth", "slot": f"neware:{unit}-{channel}"})


def lived(p1, moments, *, seed=7, curious=False):
    """Run P1 on the pristine and a PEO cell of the demo bench, stopping at moments; return all rows."""
    bench = open_bench({"bench": "demo", "seed": seed})
    link = bench.connect("neware")
    bench.admin({"do": "chamber.set", "name": "oven-60", "setpoint_degC": 60, "on": True})
    start(link, p1(6), 1, 1)
    start(link, p1(6), 1, 5)
    for moment in moments:
        bench.advance_to(moment)
        if curious:
            look_at_everything(link, bench, 1, 1)
            look_at_everything(link, bench, 1, 5)
    truth = [bench.admin({"do": "truth", "slot": slot})["cell"] for slot in ("1-1", "1-5")]
    return rows(link, 1, 1), rows(link, 1, 5), truth


END_s = 14 * 3600.0


def test_rule_1_any_extra_moments_and_reads_give_the_same_bits(p1):
    dice = random.Random(5)
    plain = lived(p1, [END_s])
    extra = sorted(dice.uniform(0, END_s) for _ in range(300))
    assert lived(p1, [*extra, END_s], curious=True) == plain
    assert lived(p1, [*np.arange(0.05, 900, 0.05).tolist(), END_s]) == plain


def test_rule_2_times_are_whole_ticks_and_charge_is_a_product(p1):
    cell = lived(p1, [END_s])[0]
    for row in cell:
        values = dict(re.findall(r'(\w+)="([^"]*)"', row))
        ticks = int(values["testtime"]) // 100
        assert int(values["testtime"]) == ticks * 100
        if values["steptype"] in ("cc", "dc"):
            assert float(values["cap"]) == float(f"{0.785398 / 1000 * (ticks / 10) / 3600:.15g}")
    ends = [row for row in cell if 'testtime="3600000"' in row]
    assert len(ends) == 12 and all('cap="0.000785398"' in row for row in ends)


def test_rule_3_noise_moves_no_record_and_no_end(tmp_path):
    # the same channel errors with and without noise: the same times, other values
    def bench(noise):
        chain = {"voltage": {"gain_error": 2e-4, "offset": 1e-3, "noise": noise}}
        spec = {
            "labctl": "bench/1", "seed": 7,
            "instruments": [{"name": "neware", "units": [{"unit": 1, "model": "5V10mA"}]}],
            "cells": [{"cell_id": "A", "slot": "1-1", "variant": "LTO-P", "chain": chain}],
        }  # fmt: skip
        made = open_bench(spec)
        link = made.connect("neware")
        path = tmp_path / "discharge.xml"
        path.write_text(
            '<root><config type="Step File"><Whole_Prt><Record><Main><Volt Value="20" /></Main></Record>'
            '</Whole_Prt><Step_Info><Step1 Step_ID="1" Step_Type="2"><Limit><Main><Curr Value="0.4" />'
            '<Stop_Volt Value="10000" /></Main></Limit></Step1><Step2 Step_ID="2" Step_Type="6" /></Step_Info>'
            "</config></root>"
        )
        start(link, path, 1, 1)
        made.advance_to(4000.0)
        return rows(link, 1, 1)

    quiet, noisy = bench(0.0), bench(3e-4)
    times = [[re.findall(r'testtime="(\d+)"', row)[0] for row in run] for run in (quiet, noisy)]
    assert times[0] == times[1] and len(quiet) > 300
    assert quiet != noisy


def test_rule_4_noise_hangs_on_seed_channel_test_and_sequence(p1):
    first, again = lived(p1, [5000.0]), lived(p1, [5000.0])
    other = lived(p1, [5000.0], seed=8)
    assert first == again
    assert [row.split("volt=")[0] for row in first[0]][:50] == [row.split("volt=")[0] for row in other[0]][
        :50
    ]
    assert first[0] != other[0]


@pytest.mark.parametrize("kind", [StepKind.CC_CHARGE, StepKind.CC_DISCHARGE])
def test_rule_5_single_ticks_are_looked_at_only_where_something_can_fire(p1, monkeypatch, kind):
    from labctl_simulators.neware import planner

    looked = {"fine": 0}
    original = planner._Pass._fine

    def counting(self, interval):
        before = self._fine_to
        result = original(self, interval)
        looked["fine"] += max(0, self._fine_to - before)
        return result

    monkeypatch.setattr(planner._Pass, "_fine", counting)
    assert isinstance(Step(1, kind), Step)
    lived(p1, [END_s])
    assert 0 < looked["fine"] < 0.2 * 2 * END_s * 10


def test_rule_6_a_written_down_life_is_replayed_bit_by_bit(p1):
    class Paper:
        def __init__(self):
            self.lines = []

        def write(self, entry, *, durable):
            self.lines.append(json.dumps(dict(entry)))

    bench, paper = open_bench({"bench": "demo"}), Paper()
    bench.sink = paper
    link = bench.connect("neware")
    oven = bench.connect("oven-60")
    # temperature-chamber 2: set 60.0 degC, then on, over the wire
    assert oven.receive(bytes.fromhex("000200000 00b01100002000204 42700000".replace(" ", "")))
    assert oven.receive(bytes.fromhex("000300000006010600000001"))
    start(link, p1(3), 1, 1)
    for moment in (100.0, 700.25, 5000.0):
        bench.admin({"do": "grant", "until_s": moment})
    start(link, p1(3), 1, 5)
    bench.admin({"do": "cell.swap", "slot": "1-1", "cell": "C0003"})
    bench.admin({"do": "grant", "until_s": 9000.0})
    row = f"<stop {ADDRESS.format(1, 1)}>true</stop>"
    ask(link, f'<cmd>stop</cmd><list count="1">{row}</list>')
    bench.admin({"do": "grant", "until_s": 12000.0})

    twin = open_bench({"bench": "demo"})
    for line in paper.lines:
        twin.replay(json.loads(line))
    assert twin.now_s == bench.now_s
    other = twin.connect("neware")
    for unit, channel in ((1, 1), (1, 5)):
        assert rows(other, unit, channel) == rows(link, unit, channel)
        slot = f"neware:{unit}-{channel}"
        assert twin.admin({"do": "truth", "slot": slot}) == bench.admin({"do": "truth", "slot": slot})
