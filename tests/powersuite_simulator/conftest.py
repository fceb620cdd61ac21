"""A PARSTAT 2273 with PowerSuite and its person on a bench in this process; exports go into the test's own folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from labctl_simulators.bench import Bench, open_bench

SHEET = """\
Measure this in PowerSuite, then confirm in labctl.

  Cell                 : C1
  Start frequency      : 100 kHz
  End frequency        : 1 Hz
  Points per decade    : 5
  Amplitude            : 10 mV rms
  DC potential         : 0 mV vs OC
  Settling time        : 5 s
  Current range        : AUTO
  Save as              : C1-run7.txt
"""


class PowerSuite:
    """A bench with one PowerSuite ``ps``."""

    def __init__(self, spec: Mapping[str, Any], folder: Path) -> None:
        self.bench: Bench = open_bench(spec)
        self.folder = folder

    def begin(self, plan: str = SHEET, **fields: Any) -> dict[str, Any]:
        reply = self.admin("powersuite.run", instrument="ps", plan=plan, **fields)
        assert reply["ok"], reply
        return reply

    def refused(self, plan: str = SHEET, **fields: Any) -> str:
        reply = self.admin("powersuite.run", instrument="ps", plan=plan, **fields)
        assert not reply["ok"], reply
        return str(reply["error"])

    def run(self, plan: str = SHEET, **fields: Any) -> Path:
        """Let the person do a sheet, wait for the export, and return its file."""
        reply = self.begin(plan, **fields)
        self.bench.advance_to(reply["exported_s"] + 10.0)
        return Path(reply["file"])

    def wait(self, seconds: float) -> None:
        self.bench.advance_to(self.bench.now_s + seconds)

    def admin(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.bench.admin({"do": do, **fields})

    def fault(self, kind: str, **fields: Any) -> None:
        reply = self.admin("fault", instrument="ps", kind=kind, **fields)
        assert reply["ok"], reply

    def truth(self) -> dict[str, Any]:
        return self.admin("truth", slot="ps")


@pytest.fixture
def powersuite(tmp_path: Path) -> Callable[..., PowerSuite]:
    """Return a maker; keywords are keys of the entry, and ``cells``."""

    def make(cells: Sequence[Mapping[str, Any]] = (), **keys: Any) -> PowerSuite:
        entry = {"name": "ps", "kind": "powersuite", "model": "parstat2273", "profile": "ideal",
                 "folder": str(tmp_path), **keys}  # fmt: skip
        units = [{"unit": 1, "model": "5V10mA", "channels": 2}]
        spec = {"labctl": "bench/1", "seed": 7, "instruments": [{"name": "neware", "units": units}],
                "cells": list(cells), "potentiostats": [entry]}  # fmt: skip
        return PowerSuite(spec, tmp_path)

    return make
