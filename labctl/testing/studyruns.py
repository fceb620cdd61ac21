"""Whole runs of virtual cells, as rows: what forecasts, warnings and figures are measured on.

The real binder, engine, driver and store work on an in-memory bench in jump mode with a calibrated (noisy) measurement
chain; several cells share one bench and one process, so that fifty cycles of eight cells take some seconds::

    (run,) = perform([Wish("LTO-Z", find_protocol("p4-lto-li"), {"cycles": "50"}, seed=3)], folder)
    forecaster = FinishForecaster(run.program)
    for block in blocks_of(run.rows, 200): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from labctl.engine.jobs import Job, RunResult
from labctl.engine.machines.early import EarlyWarner
from labctl.engine.machines.forecast import FinishForecaster
from labctl.engine.shell import run_jobs
from labctl.engine.station import Station
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.program import Program
from labctl.model.record import RecordBlock
from labctl.protocol.bind import bind
from labctl.protocol.library import find_protocol
from labctl.protocol.parse import load_protocol, parse_protocol
from labctl.testing.benchrun import BenchRun

DIAMETER_MM = 10.0
MASS_MG = {"LTO": 1.178097, "LFP": 0.923998}
ONE_C_MA_PER_G = {"LTO": 175.0, "LFP": 170.0}
NESTED = """labctl: protocol/1
name: Nested loops with holds and checks
description: Blocks of ten cycles with a hold at the upper voltage, a slow check behind each block.
for: [lfp_li, lto_li]
variables: {lower: {default: 3.0 V}, upper: {default: 3.8 V}, blocks: {default: "5"}}
temperature: 60 degC
record: {every: 30 s, or_change: 10 mV}
safety: {voltage: [0 V, 4.5 V]}
steps:
  - rest: 1 h
  - repeat: ${blocks}
    steps:
      - repeat: 10
        steps:
          - {charge: C/2, then_hold: "${upper}", until: {current: C/20, time: 6 h}}
          - rest: 10 min
          - {discharge: C/2, until: {voltage: "${lower}", time: 6 h}}
          - rest: 10 min
      - {charge: C/10, until: {voltage: "${upper}", time: 20 h}}
      - {discharge: C/10, until: {voltage: "${lower}", time: 20 h}}
"""
"""A protocol whose steps end by time, voltage and current, in two levels of loops."""
KINDS = {
    "LIQ": CellKind.SYMMETRIC,
    "PEO": CellKind.SYMMETRIC,
    "LTO": CellKind.LTO_LI,
    "LFP": CellKind.LFP_LI,
}
WARM = ("PEO", "LFP")
CHANNELS = 8
POLL_S = 3600.0
"""Rows do not depend on how often they are fetched; seldom is fast."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One run to be performed: named cell parameters, a protocol (library name or YAML text) and its settings."""

    variant: str
    protocol: str
    settings: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    film_nm: float | None = None
    precursor: bool = False


@dataclass(frozen=True, slots=True)
class StudyRun:
    """A run that was performed, with all its rows in order."""

    wish: Wish
    program: Program
    result: RunResult
    rows: RecordBlock


def cell_of(wish: Wish, number: int) -> Cell:
    """Return the cell as a person would register it."""
    family = wish.variant.split("-")[0]
    return Cell(
        cell_id=CellId(f"C{number:04d}"),
        name=wish.variant,
        kind=KINDS[family],
        diameter_mm=DIAMETER_MM,
        active_mass_mg=MASS_MG.get(family),
        one_c_mA_per_g=ONE_C_MA_PER_G.get(family),
        electrolyte="PEO" if family in WARM else "carbonate",
        coating="Zn" if wish.variant.endswith("Z") else "none",
    )


def bench_of(wishes: Sequence[Wish]) -> dict[str, Any]:
    """Return a bench with a channel for each wish (at most eight), in the chamber that suits the cell."""
    cells = [
        {
            "cell_id": f"C{number:04d}",
            "slot": f"neware:1-{number}",
            "variant": wish.variant,
            "chamber": "oven" if wish.variant.split("-")[0] in WARM else "room",
            **({} if wish.seed is None else {"seed": wish.seed}),
            **({} if wish.film_nm is None else {"film_nm": wish.film_nm}),
            "precursor": wish.precursor,
        }
        for number, wish in enumerate(wishes, start=1)
    ]
    return {
        "labctl": "bench/1",
        "name": "study runs",
        "seed": 7 if wishes[0].seed is None else wishes[0].seed,
        "instruments": [
            {"name": "neware", "kind": "neware-bts", "devid": 33, "devtype": 27, "profile": "calibrated",
             "units": [{"unit": 1, "model": "5V100mA-4R", "channels": CHANNELS}]}
        ],
        "chambers": [
            {"name": "room", "profile": "ideal", "air_degC": 25, "setpoint_degC": 25, "on": True},
            {"name": "oven", "profile": "ideal", "air_degC": 60, "setpoint_degC": 60, "on": True},
        ],
        "cells": cells,
    }  # fmt: skip


def perform(
    wishes: Sequence[Wish], folder: Path, acts: Sequence[tuple[float, Mapping[str, Any]]] = ()
) -> list[StudyRun]:
    """Perform the wishes side by side and return the runs in their order.

    ``acts`` are requests to the bench's admin at plant moments: ``(50_000.0, {"do": "fault", ...})``.
    """
    lab = BenchRun(bench_of(wishes), folder, poll_s=POLL_S, chamber_poll_s=600.0)
    for moment_s, request in acts:
        lab.at(moment_s, partial(lab.bench.admin, dict(request)))
    programs: list[Program] = []

    async def story(station: Station) -> list[RunResult]:
        jobs = []
        for number, wish in enumerate(wishes, start=1):
            channel, cell = ChannelId(f"neware:1-{number}"), cell_of(wish, number)
            if wish.protocol.startswith("labctl:"):
                protocol = parse_protocol(wish.protocol, variables=dict(wish.settings))
            else:
                protocol = load_protocol(find_protocol(wish.protocol), dict(wish.settings))
            programs.append(bind(protocol, cell, channel, station.capabilities(channel), has_chamber=True))
            jobs.append(Job(programs[-1], cell, overrides={"ocv": "a virtual cell"}))
        return await run_jobs(station, lab.root(), jobs)

    results = lab.play(story)
    return [
        StudyRun(wish, program, result, lab.reader(result).records())
        for wish, program, result in zip(wishes, programs, results, strict=True)
    ]


def blocks_of(rows: RecordBlock, length: int) -> Iterator[RecordBlock]:
    """Cut rows into blocks of at most ``length``, in order."""
    for start in range(0, len(rows), length):
        yield rows.rows(start, start + length)


@dataclass(frozen=True, slots=True)
class Standing:
    """What was foreseen when a cycle had ended. Fractions of the whole run's time, early is negative."""

    cycle: int
    error: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Tell whether the true end lies in the interval that was shown (the device's clock tells whole seconds)."""
        return self.low <= CLOCK_STEP and self.high >= -CLOCK_STEP


CLOCK_STEP = 2e-4


def finish_standings(run: StudyRun) -> list[Standing]:
    """Feed a run to a forecaster cycle by cycle and compare each answer with the end that came.

    The truth is the time by the instrument's clock, open-circuit times between two device tests included.
    """
    rows, forecaster = run.rows, FinishForecaster(run.program)
    clock_s = rows["device_clock"].astype("datetime64[s]").astype(np.float64)
    whole_s = float(clock_s[-1] - clock_s[0])
    cycles = rows["cycle_count"]
    ends = [*(np.flatnonzero(cycles[1:] != cycles[:-1]) + 1).tolist()]
    found: list[Standing] = []
    start = 0
    for end in ends:
        forecaster.feed(rows.rows(start, end))
        start = end
        true_s = float(clock_s[-1] - clock_s[end - 1])
        answer_s = forecaster.remaining_s(float(rows["test_time_second"][end - 1]))
        found.append(Standing(int(cycles[end - 1]), *((value_s - true_s) / whole_s for value_s in answer_s)))
    return found


class Disturbance(StrEnum):
    """What may be done to the voltages of a run that went well, from a moment on."""

    LOOSE_CONTACT = "loose contact"  # short spikes away from rest, one per 20 min on average
    COLDER = "colder"  # polarisation of a symmetric cell half as much again
    DRIFTING_OFFSET = "drifting offset"  # 0.5 mV per hour
    DEAD_LEAD = "dead lead"  # the voltage stands still, charge flows on


def disturbed(run: StudyRun, what: Disturbance, from_s: float, seed: int = 1) -> RecordBlock:
    """Return the rows of a run with a disturbance from a test time on."""
    rows, random = run.rows, np.random.default_rng(seed)
    time_s, voltage_V = rows["test_time_second"], rows["voltage_volt"].copy()
    late = time_s >= from_s
    if what is Disturbance.LOOSE_CONTACT:
        spikes = random.random(len(voltage_V)) < 1.0 / 120.0
        size_V = random.uniform(0.01, 0.08, len(voltage_V)) * np.sign(rows["current_ampere"])
        voltage_V[late & spikes] += size_V[late & spikes]
    elif what is Disturbance.COLDER:
        voltage_V[late] *= 1.5
    elif what is Disturbance.DRIFTING_OFFSET:
        voltage_V[late] += 0.5e-3 * (time_s[late] - from_s) / 3600.0
    else:
        voltage_V[late] = voltage_V[int(np.argmax(late))]
    return RecordBlock({**rows.columns, "voltage_volt": voltage_V})


@dataclass(frozen=True, slots=True)
class Warned:
    """An early warning of a run: what, in which cycle, and at which test time."""

    kind: str
    cycle: int
    time_h: float


def early_warnings(program: Program, rows: RecordBlock) -> list[Warned]:
    """Feed rows to an early warner as a run would and return its warnings in order."""
    warner, found = EarlyWarner(program), []
    for block in blocks_of(rows, 60):
        for finding in warner.feed(block):
            row = int(np.searchsorted(rows["sequence"], finding.sequence or 1))
            time_h = float(rows["test_time_second"][row]) / 3600.0
            found.append(Warned(finding.kind, int(rows["cycle_count"][row]), time_h))
    return found
