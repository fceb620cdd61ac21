"""Makes a story from a seed: a bench with cells, the jobs for them, and the faults that meet them.

A story is data; the same seed gives the same story. ``FAULTS`` holds the weights: faults that end a run are rarer than
those that a run must survive, and most of them come late, so that a story is worth its channel-hours.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId

SURVIVED: Mapping[str, int] = {
    "F01": 6, "F02": 5, "F03": 3, "F04": 3, "F05": 6, "F06": 5, "F07": 5, "F09": 4, "F10": 3, "F11": 4, "F12": 4,
    "F13": 5, "F14": 3, "F15": 4, "F16": 3, "F18": 3, "F19": 4, "F21": 5, "F22": 2, "F23": 3, "F24": 6, "F30": 2,
    "F32": 3, "F41": 5, "F43": 2, "F44": 2,
}  # fmt: skip
"""Faults after which the run goes on, with their weights."""
ENDING: Mapping[str, int] = {"F08": 2, "F27": 4, "F28": 3, "F29": 2, "F42": 2, "F13.trip": 4}
"""Faults that end a run or need a person."""
PERSONS = ("stop-all", "stop-all", "pause", "skip", "stop")
"""What persons do meanwhile; no faults."""
OPENING_S = 700.0
"""No fault before the first polls: a story needs a run to disturb."""

STEADY = """\
labctl: protocol/1
name: steady cycles
for: [symmetric, lto_li, lfp_li]
record: {{every: {every} s}}
safety: {{voltage: [{low} V, {high} V]}}
steps:
  - rest: {rest} min
  - repeat: {cycles}
    steps:
      - charge: {density} mA/cm^2
        until: {{time: {half} min}}
      - discharge: {density} mA/cm^2
        until: {{time: {half} min}}
"""
SEGMENTS = """\
labctl: protocol/1
name: host decides after each cycle
for: [symmetric, lto_li, lfp_li]
record: {{every: {every} s}}
safety: {{voltage: [{low} V, {high} V]}}
steps:
  - rest: {rest} min
  - repeat: {cycles}
    until: polarisation above 4 V
    steps:
      - charge: {density} mA/cm^2
        until: {{time: {half} min}}
      - discharge: {density} mA/cm^2
        until: {{time: {half} min}}
      - rest: {rest} min
"""
RESTING = """\
labctl: protocol/1
name: long rests
for: [symmetric, lto_li, lfp_li]
record: {{every: {every} s}}
safety: {{voltage: [{low} V, {high} V]}}
steps:
  - rest: {half} min
  - repeat: {cycles}
    steps:
      - charge: {density} mA/cm^2
        until: {{capacity: {charge} mAh/cm^2, time: 2 h}}
      - rest: {half} min
      - discharge: {density} mA/cm^2
        until: {{capacity: {charge} mAh/cm^2, time: 2 h}}
      - rest: {half} min
"""
TEMPLATES = (STEADY, SEGMENTS, SEGMENTS, RESTING)
KINDS: Mapping[str, tuple[CellKind, float | None]] = {
    "LIQ-P": (CellKind.SYMMETRIC, 0.0),
    "LIQ-Z": (CellKind.SYMMETRIC, 0.0),
    "LTO-P": (CellKind.LTO_LI, None),
    "LFP-P": (CellKind.LFP_LI, None),
}
AREA_CM2 = 0.785398
LIMIT_V = 2.0
"""The channel limits of the fault bench (layer L2), either sign for symmetric cells."""
LIMIT_HIGH_V = 4.4
LIMIT_LOW_V = 0.1
"""The same for cells with a voltage of their own."""


def channel_limits_V(kind: CellKind) -> tuple[float, float]:
    """Return the lowest and highest voltage that the fault bench's station file allows a cell of a kind."""
    return (-LIMIT_V, LIMIT_V) if kind is CellKind.SYMMETRIC else (LIMIT_LOW_V, LIMIT_HIGH_V)


@dataclass(frozen=True, slots=True)
class StoryJob:
    """One cell, where it sits and what is to be done with it."""

    cell: Cell
    channel: ChannelId
    protocol: str


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault to come; ``dice`` seeds its own choices."""

    fid: str
    at_s: float
    channel: ChannelId
    dice: int


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a seed decides."""

    seed: int
    bench: Mapping[str, Any]
    poll_s: float
    duration_s: float
    jobs: tuple[StoryJob, ...]
    faults: tuple[PlannedFault, ...]
    clients: int

    @property
    def channels(self) -> tuple[ChannelId, ...]:
        """Return the channels with a job."""
        return tuple(job.channel for job in self.jobs)


def make_story(seed: int, *, only: Sequence[str] = (), quiet: bool = False) -> Story:
    """Return the story of a seed; ``only`` keeps faults of these ids, ``quiet`` leaves all of them out."""
    dice = random.Random(seed * 7919 + 17)
    instruments = ["neware"] if dice.random() < 0.6 else ["neware", "second"]
    places = [f"{name}:1-{number}" for name in instruments for number in range(1, 7)]
    used = sorted(dice.sample(places, dice.randint(3, 6)))
    poll_s = dice.choice([60.0, 120.0, 120.0, 240.0])
    duration_s = 3600.0 * dice.choice([4, 6, 8])
    jobs = tuple(_job(dice, index, ChannelId(place), duration_s) for index, place in enumerate(used))
    spare = {"cell_id": "SPARE", "variant": "LFP-P", "diameter_mm": 10.0}
    bench = {
        "labctl": "bench/1",
        "name": f"fault bench {seed}",
        "seed": seed,
        "instruments": [
            {"name": name, "kind": "neware-bts", "devid": 33 + index, "devtype": 27,
             "profile": dice.choice(["ideal", "calibrated"]), "units": [{"unit": 1, "model": "5V10mA"}]}
            for index, name in enumerate(instruments)
        ],
        "cells": [
            *({"cell_id": str(job.cell.cell_id), "slot": str(job.channel), "variant": job.cell.name,
               "diameter_mm": 10.0} for job in jobs),
            spare,
        ],
    }  # fmt: skip
    faults = () if quiet else _faults(dice, duration_s, [job.channel for job in jobs], only)
    return Story(seed, bench, poll_s, duration_s, jobs, faults, dice.choice([0, 0, 1, 5]))


def _job(dice: random.Random, index: int, channel: ChannelId, duration_s: float) -> StoryJob:
    variant = dice.choice(["LIQ-P", "LIQ-Z", "LIQ-P", "LTO-P", "LFP-P"])
    kind, ocv_V = KINDS[variant]
    half_min = dice.choice([5, 8, 12, 20])
    cycles = max(3, round(1.2 * duration_s / (60.0 * 2 * half_min)))
    low_V, high_V = channel_limits_V(kind)
    text = dice.choice(TEMPLATES).format(
        low=low_V,
        high=high_V,
        every=dice.choice([5, 10, 10, 20]),
        rest=dice.choice([2, 5, 10]),
        cycles=cycles,
        charge=0.05 if kind is CellKind.SYMMETRIC else 0.005,
        half=half_min,
        density=dice.choice([0.2, 0.5, 1.0] if kind is CellKind.SYMMETRIC else [0.02, 0.05]),
    )
    cell = Cell(
        CellId(f"C{index + 1:03}"),
        variant,
        kind,
        diameter_mm=10.0,
        area_cm2=AREA_CM2,
        ocv_V=ocv_V,
        active_mass_mg=5.0,
    )
    return StoryJob(cell, channel, text)


def _faults(
    dice: random.Random, duration_s: float, channels: Sequence[ChannelId], only: Sequence[str]
) -> tuple[PlannedFault, ...]:
    """Return 8 to 18 faults spread over the story; the last tenth is quiet, so that recovery can be judged."""
    end_s = 0.85 * duration_s
    chosen: list[tuple[str, float]] = []
    for _ in range(dice.randint(8, 18)):
        fid = dice.choices(list(SURVIVED), list(SURVIVED.values()))[0]
        chosen.append((fid, dice.uniform(OPENING_S, end_s)))
    for _ in range(dice.choice([0, 1, 1, 2])):
        fid = dice.choices(list(ENDING), list(ENDING.values()))[0]
        chosen.append((fid, dice.uniform(0.4 * end_s, end_s)))
    for act in dice.sample(PERSONS, dice.randint(0, 2)):
        chosen.append((act, dice.uniform(OPENING_S, end_s)))
    planned: list[PlannedFault] = []
    for fid, at_s in sorted(chosen, key=lambda entry: entry[1]):
        if only and fid.split(".")[0] not in only:
            continue
        planned.append(PlannedFault(fid, round(at_s, 1), dice.choice(list(channels)), dice.randrange(2**31)))
    return tuple(planned)
