"""One channel with a run of twelve cycles, as a station would answer for it: for tests of the channel view."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication

from labctl.gui.plots.data import BAD, GAP
from labctl.gui.session import Session
from labctl.gui.viewmodels.batches import Batch, RowsOf
from labctl.model.cell import CellKind
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.latest import LatestCycle
from labctl.model.limitsnow import Layer, LayerLimit, LimitNow, LimitsNow
from labctl.model.prediction import Prediction, PredictionState
from labctl.model.run import RunDetail, RunNote, RunRevision, RunSummary
from labctl.testing.guilab import FakeAsks, cell, empty, running, tell
from labctl.testing.guiviews import ViewBench

CHANNEL, RUN = "neware:1-1", "run-neware-1-1"
CYCLE_S, CYCLES = 3600.0, 12
ROWS_PER_CYCLE = 120
PROGRAM: dict[str, Any] = {"flow": [
    {"kind": "step", "step_id": 1, "mode": "rest", "end_time_s": 600.0},
    {"kind": "loop", "count": 50, "body": [
        {"kind": "step", "step_id": 2, "mode": "cc_charge", "current_A": 1e-3, "end_voltage_V": 3.8},
        {"kind": "step", "step_id": 3, "mode": "cc_discharge", "current_A": -1e-3, "end_voltage_V": 3.0},
    ]},
]}  # fmt: skip


def rows(first: int, last: int) -> dict[str, Any]:
    """Return rows of a run that charges and discharges; number 700 is BAD."""
    n = np.arange(first, last + 1)
    phase = (n - 1) % ROWS_PER_CYCLE / ROWS_PER_CYCLE
    charging = phase < 0.5
    return {
        "sequence": n, "test_time_second": (n - 1) * (CYCLE_S / ROWS_PER_CYCLE),
        "voltage_volt": np.where(n == 700, 9.0, np.where(charging, 3.0 + 1.6 * phase, 4.6 - 1.6 * phase)),
        "current_ampere": np.where(charging, 1e-3, -1e-3), "step_count": (n - 1) // (ROWS_PER_CYCLE // 2) + 1,
        "step_id": np.where(charging, 2, 3), "step_type": np.where(charging, 1, 2),
        "step_capacity_ah": 1e-3 * (phase % 0.5), "step_time_second": phase * CYCLE_S,
        "cycle_count": (n - 1) // ROWS_PER_CYCLE + 1,
        "segment": np.ones(len(n)), "device_sequence": n, "quality": (n == 700).astype(int),
    }  # fmt: skip


def series(
    run_id: str, columns: list[str], *, begin: Any = None, end: Any = None, width: int = 1000
) -> dict[str, Any]:
    """Return every row as a column of its own, with a hole of an hour before row 601."""
    found = rows(1, CYCLES * ROWS_PER_CYCLE - 60)
    name, x = columns[0], found["test_time_second"]
    flags = np.where(found["sequence"] == 601, GAP, 0) | np.where(found["sequence"] == 700, BAD, 0)
    good = np.where(found["quality"] == 0, found[name], np.nan)
    return {"x_first": x, "x_last": x, "sequence": found["sequence"], "rows": np.ones(len(x)), "flags": flags,
            **{f"{name}_{what}": good for what in ("min", "max", "first", "last")}}  # fmt: skip


def cycles(run_id: str) -> dict[str, Any]:
    """Return the summary of twelve cycles, the last one still open."""
    number = np.arange(1, CYCLES + 1)
    return {
        "cycle": number, "start_time_second": (number - 1) * CYCLE_S, "end_time_second": number * CYCLE_S - 30.0,
        "first_sequence": (number - 1) * ROWS_PER_CYCLE + 1, "last_sequence": number * ROWS_PER_CYCLE,
        "discharging_capacity_ah": 150e-6 * (1 - 0.01 * number), "charging_capacity_ah": 151e-6 * (1 - 0.01 * number),
        "coulombic_efficiency": np.full(CYCLES, 0.997), "polarisation_volt": np.full(CYCLES, 0.1),
        "charging_end_voltage_volt": np.full(CYCLES, 3.8), "discharging_end_voltage_volt": np.full(CYCLES, 3.0),
        "retention": 1 - 0.01 * number, "complete": number < CYCLES,
    }  # fmt: skip


def detail(run_id: str) -> RunDetail:
    """Return the run with its program, revision and a note."""
    summary = RunSummary(RunId(run_id), "C0001", "C0001", ChannelId(CHANNEL), "LFP", "running",
                         started_utc="2026-04-20T12:00:00+00:00")  # fmt: skip
    revision = RunRevision(4, 1, "LFP", "a91f77", "chen", "", "", "labctl: protocol/1\n")
    note = RunNote("2026-04-20T14:00:00+00:00", "chen", "door opened")
    return RunDetail(summary, {"program": PROGRAM}, (), (revision,), (note,), "")


def limits(channel: str) -> LimitsNow:
    """Return two limits with their layers."""
    layers = (LayerLimit(Layer.CELL, "class LFP", 4.5), LayerLimit(Layer.PROTOCOL, "LFP", 3.9))
    return LimitsNow(ChannelId(channel), RunId(RUN), 2, (
        LimitNow("voltage_max_V", "V", 3.9, Layer.PROTOCOL, layers, now=3.7),
        LimitNow("voltage_min_V", "V", 2.5, Layer.CELL, (LayerLimit(Layer.CELL, "class LFP", 2.5),), now=3.7,
                 is_lower=True),
    ))  # fmt: skip


def predicted(run_id: str) -> Prediction:
    """Return a prediction of three cycles at 3.4 V."""
    t = np.arange(0.0, 3 * CYCLE_S, 60.0)
    columns = {"cycle": tuple(t // CYCLE_S + 1), "test_time_s": tuple(t), "voltage_V": tuple(np.full(len(t), 3.4)),
               "capacity_Ah": tuple(np.zeros(len(t)))}  # fmt: skip
    return Prediction(PredictionState.READY, twin="lfp-li", columns=columns,
                      cycles={"cycle": (1.0, 50.0), "discharging_capacity_ah": (150e-6, 110e-6)})  # fmt: skip


def records(run_id: str, *, after: int = 0, limit: int = 1000, columns: Any = None) -> dict[str, Any]:
    """Return rows behind a number."""
    return rows(after + 1, min(after + limit, CYCLES * ROWS_PER_CYCLE - 60))


def answers() -> dict[str, Any]:
    """Return what the station answers, by verb."""
    newest = LatestCycle(RunId(RUN), ChannelId(CHANNEL), CellId("C0001"), 11, coulombic_efficiency=0.997, retention=0.9,
                         discharging_capacity_mAh_per_g=140.0, first_discharging_capacity_mAh_per_g=150.0)  # fmt: skip
    kept = [{"kind": "phase", "utc": "2026-04-20T12:00:00+00:00", "new": "running", "why": "test 9"},
            {"kind": "stop.unconfirmed", "utc": "2026-04-20T13:00:00+00:00", "text": "no answer"}]  # fmt: skip
    return {"runs.get": detail, "runs.cycles": cycles, "runs.series": series, "runs.records": records,
            "runs.latest_cycles": [newest], "runs.events": kept, "runs.predicted": predicted,
            "channels.limits": limits}  # fmt: skip


class Page:
    """The view with what a test looks at."""

    def __init__(self, session: Session, qtbot: Any, **given: Any) -> None:
        """Open the view; ``given`` answers stand in the place of the usual ones."""
        self.qtbot = qtbot
        self.bench = ViewBench(session, asks=FakeAsks({**answers(), **given}))
        self.lab, self.asks = self.bench.lab, self.bench.asks
        a_cell = cell("C0001", CellKind.LFP_LI, active_mass_mg=1.0, area_cm2=0.785)
        self.lab.take_cells([a_cell])
        newest_s = (CYCLES - 0.5) * CYCLE_S
        self.words: dict[str, Any] = {
            "run_id": RUN, "cycle": CYCLES, "cycles": 50, "rows": 1380, "test_time_s": newest_s, "voltage_V": 3.7,
            "step_number": 2, "steps": 3, "step_kind": "CC-CHG", "seen_utc": "2026-04-20T23:30:00+00:00",
        }  # fmt: skip
        tell(self.lab, running(CHANNEL, "C0001", **self.words), empty("neware:1-2"))
        self.view: Any = self.bench.open("channel", qtbot)
        qtbot.waitUntil(lambda: len(self.view.plots.time.measured()) > 0)

    def live(self, first: int, last: int) -> None:
        """Send rows as they come."""
        self.lab.apply(Batch(rows=(RowsOf(RUN, rows(first, last)),)))

    def shown(self, dialog: type) -> Any:
        """Return the dialog that is open. Raises: AssertionError where none is."""
        found = [one for one in QApplication.topLevelWidgets() if isinstance(one, dialog) and one.isVisible()]
        assert found, f"no {dialog.__name__} is open"
        return found[0]
