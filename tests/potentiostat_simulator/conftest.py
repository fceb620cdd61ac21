"""A MethodSCRIPT potentiostat on a bench in this process, spoken to by bytes; values decoded apart from its codec."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from labctl_simulators.bench import Bench, open_bench

collect_ignore_glob = ["*_posix.py"] if sys.platform == "win32" else []

FACTOR = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, " ": 0, "k": 3, "M": 6, "G": 9, "i": 0}
AFTER_ERROR_S = 0.15

SPECTRUM = """\
var f
var r
var j
set_pgstat_mode {mode}
set_max_bandwidth {bandwidth}
set_range_minmax da {bias} {bias}
set_autoranging ba {ranges}
set_e {bias}
cell_on
meas_loop_eis f r j {amplitude} {first} {last} {points} {bias}
pck_start
pck_add f
pck_add r
pck_add j
pck_end
endloop
on_finished:
cell_off
"""


def number(text: str) -> float:
    """Decode eight characters by the words of potentiostat.md 2.1.3."""
    if text == "     nan":
        return float("nan")
    return (int(text[:7], 16) - 2**27) * 10.0 ** FACTOR[text[7]]


@dataclass
class Packages:
    """What a script said: all lines, and the values and metadata of its packages."""

    lines: list[str]

    @property
    def rows(self) -> list[list[str]]:
        return [line[1:].split(";") for line in self.lines if line.startswith("P")]

    @property
    def kinds(self) -> list[str]:
        return [variable[:2] for variable in self.rows[0]]

    def column(self, index: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([number(row[index][2:10]) for row in self.rows])

    def status(self, index: int) -> list[int]:
        return [int(row[index].split(",")[1][1:], 16) for row in self.rows]

    def ranges(self, index: int) -> list[int]:
        return [int(row[index].split(",")[2][1:], 16) for row in self.rows]

    @property
    def spectrum(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        return self.column(0), self.column(1) + 1j * self.column(2)


class Wire:
    """A bench with one potentiostat ``ps`` and a connection to it."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.bench: Bench = open_bench(spec)
        self.link = self.bench.connect("ps")

    def ask(self, text: str) -> list[str]:
        """Send text as it is and return the lines that come at once; the quiet time after an error passes."""
        lines = self.link.receive(text.encode("latin-1")).decode("latin-1").split("\n")[:-1]
        if any("!" in line for line in lines):
            self.wait(AFTER_ERROR_S)
        return lines

    def wait(self, seconds: float) -> list[str]:
        """Let plant time pass and return the lines that came."""
        self.bench.advance_to(self.bench.now_s + seconds)
        return self.link.receive(b"").decode("latin-1").split("\n")[:-1]

    def begin(self, script: str) -> list[str]:
        """Send a script and return what comes at once."""
        return self.ask("e\n" + script.rstrip("\n") + "\n\n")

    def run(self, script: str, longest_s: float = 4000.0) -> Packages:
        """Run a script to its end (the empty line, or an error)."""
        lines = self.begin(script)
        device = self.bench.parts.potentiostats["ps"]
        start_s = self.bench.now_s
        while device.running:
            assert self.bench.now_s - start_s < longest_s, lines[-3:]
            lines += self.wait(max(device.next_tick() / 10.0 - self.bench.now_s, 0.1))
        return Packages(lines)

    def truth(self) -> dict[str, Any]:
        return self.bench.admin({"do": "truth", "slot": "ps"})

    def admin(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.bench.admin({"do": do, **fields})

    def fault(self, kind: str, **fields: Any) -> None:
        reply = self.admin("fault", instrument="ps", kind=kind, **fields)
        assert reply["ok"], reply

    @property
    def violations(self) -> list[str]:
        return [entry["kind"] for entry in self.bench.violations]


def spec_of(
    cells: Sequence[Mapping[str, Any]] = (), chambers: Sequence[Mapping[str, Any]] = (), **potentiostat: Any
) -> dict[str, Any]:
    """Return a bench with a cycler of two channels and the potentiostat ``ps`` without errors."""
    entry = {"name": "ps", "kind": "methodscript", "model": "es4_hr", "profile": "ideal", **potentiostat}
    cycler = {"name": "neware", "profile": "ideal", "units": [{"unit": 1, "model": "5V10mA", "channels": 2}]}
    return {
        "labctl": "bench/1",
        "seed": 7,
        "instruments": [cycler],
        "chambers": list(chambers),
        "cells": list(cells),
        "potentiostats": [entry],
    }


@pytest.fixture
def wire() -> Callable[..., Wire]:
    """Return a maker of wires; keywords are keys of the potentiostat's entry, and ``cells`` and ``chambers``."""
    return lambda **keys: Wire(spec_of(**keys))


@pytest.fixture
def spectrum() -> Callable[..., str]:
    """Return a maker of spectrum scripts."""

    def script(**values: object) -> str:
        usual = {"mode": 3, "bandwidth": "1M", "bias": 0, "ranges": "100n 100m", "amplitude": "10m",
                 "first": "200k", "last": "100m", "points": 64}  # fmt: skip
        return SPECTRUM.format(**{**usual, **values})

    return script
