"""A run's curve: the station's picture, live rows behind it, finer where a person looks (U06), single cycles (U07)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.viewmodels.batches import Batch, RowsOf
from labctl.gui.viewmodels.cyclecurves import CycleCurves, cycle_list
from labctl.gui.viewmodels.pyramid import BACKFILLED, BAD, GAP, Pyramid
from labctl.gui.viewmodels.traces import COARSE_PX, RunTrace, Scaled
from labctl.testing.guilab import FakeAsks, a_lab


def volts(time_s: Any) -> Any:
    return 3.5 + 0.3 * np.sin(np.asarray(time_s) / 700.0)


def station(rows: int) -> Any:
    """Answer as the station does: a run of one row a second, thinned to the width."""

    def series(run_id: str, columns: list[str], *, begin: float | None, end: float | None, width: int) -> Any:
        time_s = np.arange(float(rows))
        inside = time_s[(time_s >= (begin or 0.0)) & (time_s <= (math.inf if end is None else end))]
        parts = np.array_split(inside, min(width, len(inside))) if len(inside) else []
        v = [volts(part) for part in parts]
        return {
            "x_first": np.array([part[0] for part in parts]), "x_last": np.array([part[-1] for part in parts]),
            "sequence": np.array([part[0] + 1 for part in parts]), "rows": np.array([len(part) for part in parts]),
            "flags": np.zeros(len(parts), dtype=np.uint8),
            "voltage_volt_min": np.array([part.min() for part in v]),
            "voltage_volt_max": np.array([part.max() for part in v]),
            "voltage_volt_first": np.array([part[0] for part in v]),
            "voltage_volt_last": np.array([part[-1] for part in v]),
        }  # fmt: skip

    return series


def live(first: int, last: int, **columns: Any) -> RowsOf:
    time_s = np.arange(first - 1.0, last)
    return RowsOf("r1", {"sequence": np.arange(first, last + 1), "test_time_second": time_s,
                         "voltage_volt": volts(time_s), **columns})  # fmt: skip


def test_u06_live_rows_go_on_where_the_stations_picture_ends() -> None:
    lab = a_lab()
    trace = RunTrace(lab, FakeAsks({"runs.series": station(10_000)}), "r1", "voltage_volt")
    told: list[int] = []
    trace.watch(lambda: told.append(trace.revision))
    lab.apply(Batch(rows=(live(9_990, 10_050),)))
    assert told
    found = trace.columns(-math.inf, math.inf, 500)
    assert found.x[0] == 0.0 and found.x[-1] >= 10_000.0
    assert np.all(np.diff(found.x) > 0)
    assert found.low.min() == pytest.approx(volts(np.arange(10_050.0)).min(), abs=1e-6)
    end = trace.columns(10_030.0, 10_050.0, 500)
    assert end.x[-1] == 10_049.0 and end.last[-1] == volts(10_049.0)


def test_looking_closer_asks_the_station_once_for_a_finer_picture() -> None:
    lab = a_lab()
    asks = FakeAsks({"runs.series": station(1_000_000)})
    trace = RunTrace(lab, asks, "r1", "voltage_volt")
    assert asks.asked[0].words["width"] == COARSE_PX
    trace.columns(-math.inf, math.inf, 1000)
    trace.pump()
    assert len(asks.asked) == 1
    coarse = trace.columns(500_000.0, 501_000.0, 1000)
    trace.pump()
    assert len(asks.asked) == 2 and asks.asked[1].words["begin"] == 499_500.0
    fine = trace.columns(500_000.0, 501_000.0, 1000)
    assert len(fine) > 10 * len(coarse)
    trace.pump()
    trace.columns(500_100.0, 500_900.0, 1000)
    trace.pump()
    assert len(asks.asked) == 2


def test_a_run_that_is_shorter_than_the_screen_is_never_asked_for_finer() -> None:
    lab = a_lab()
    asks = FakeAsks({"runs.series": station(100)})
    trace = RunTrace(lab, asks, "r1", "voltage_volt")
    assert len(trace.columns(10.0, 20.0, 1000)) == 13
    trace.pump()
    assert len(asks.asked) == 1


def test_u06_gaps_bad_and_backfilled_live_rows_carry_their_flags() -> None:
    lab = a_lab()
    trace = RunTrace(lab, FakeAsks({"runs.series": station(0)}), "r1", "voltage_volt")
    one = np.ones(5, dtype=np.int32)
    lab.apply(Batch(rows=(live(1, 5, segment=one, device_sequence=np.arange(1, 6), quality=one * 0),)))
    bad = np.array([0, 1, 0, 0, 0])
    lab.apply(Batch(rows=(live(6, 10, segment=one, device_sequence=np.arange(36, 41), quality=bad),)))
    found = trace.columns(-math.inf, math.inf, 500)
    assert np.flatnonzero(found.flags & GAP).tolist() == [5] and found.gaps.tolist() == [[4.0, 5.0]]
    assert np.flatnonzero(found.flags & BAD).tolist() == [6] and math.isnan(found.low[6])
    filled = RowsOf("r1", live(11, 12).columns, backfilled=True)
    lab.apply(Batch(rows=(filled,)))
    assert np.flatnonzero(trace.columns(-math.inf, math.inf, 500).flags & BACKFILLED).tolist() == [10, 11]


def test_rows_that_were_missed_are_drawn_from_the_station() -> None:
    lab = a_lab()
    asks = FakeAsks({"runs.series": station(1000)})
    trace = RunTrace(lab, asks, "r1", "voltage_volt")
    lab.apply(Batch(rows=(live(1001, 1010),)))
    asks.answers["runs.series"] = station(5000)
    lab.apply(Batch(rows=(live(5001, 5010),)))
    found = trace.columns(-math.inf, math.inf, 20_000)
    assert len(asks.asked) == 2 and found.x[-1] == 5009.0 and np.diff(found.x).max() < 5.0


def test_u06_rows_between_a_late_picture_and_the_first_live_rows_are_fetched_not_drawn_over() -> None:
    lab, asks = a_lab(), FakeAsks()
    trace = RunTrace(lab, asks, "r1", "voltage_volt")
    lab.apply(Batch(rows=(live(10_400, 10_410),)))  # the stream begins before the picture is there
    asks.asked[0].then(station(10_000)("r1", ["voltage_volt"], begin=None, end=None, width=COARSE_PX))
    asks.answers["runs.series"] = station(10_411)
    lab.apply(Batch(rows=(live(10_411, 10_411),)))
    assert len(asks.of("runs.series")) == 2
    found = trace.columns(9_900.0, 10_420.0, 520)
    assert np.diff(found.x).max() < 10.0 and found.x[-1] == 10_410.0
    lab.apply(Batch(rows=(live(10_412, 10_420),)))
    assert len(asks.of("runs.series")) == 2


def test_a_hole_in_live_rows_while_a_picture_is_awaited_is_closed_by_it() -> None:
    lab, asks = a_lab(), FakeAsks()
    trace = RunTrace(lab, asks, "r1", "voltage_volt")
    lab.apply(Batch(rows=(live(9_001, 9_010),)))
    lab.apply(Batch(rows=(live(9_300, 9_310),)))
    asks.asked[0].then(station(9_305)("r1", ["voltage_volt"], begin=None, end=None, width=COARSE_PX))
    lab.apply(Batch(rows=(live(9_311, 9_320),)))
    assert len(asks.of("runs.series")) == 1
    assert np.diff(trace.columns(8_900.0, 9_330.0, 430).x).max() < 10.0


def test_the_same_rows_twice_are_drawn_once() -> None:
    lab = a_lab()
    trace = RunTrace(lab, FakeAsks({"runs.series": station(10)}), "r1", "voltage_volt")
    lab.apply(Batch(rows=(live(5, 12), live(5, 12), live(11, 13))))
    assert trace.columns(-math.inf, math.inf, 100).x.tolist() == [float(s) for s in range(13)]


def test_live_rows_are_bounded_and_the_older_ones_come_from_the_station_again() -> None:
    lab = a_lab()
    asks = FakeAsks({"runs.series": station(0)})
    trace = RunTrace(lab, asks, "r1", "voltage_volt", live_rows_max=1000)
    for block in range(10):
        asks.answers["runs.series"] = station(200 * block + 200)
        lab.apply(Batch(rows=(live(200 * block + 1, 200 * block + 200),)))
    found = trace.columns(-math.inf, math.inf, 4000)
    assert found.x[0] == 0.0 and found.x[-1] == 1999.0 and len(trace._live) <= 1000
    assert np.all(np.diff(found.x) > 0) and np.diff(found.x).max() <= 2.0


def test_r4_a_picture_that_cannot_be_had_is_a_trouble_and_comes_when_the_link_is_back() -> None:
    lab = a_lab()
    trouble = Trouble("The series could not be read.", "no answer")
    trace = RunTrace(lab, FakeAsks({"runs.series": trouble}), "r1", "voltage_volt")
    assert trace.trouble == trouble and not trace.waiting
    assert len(trace.columns(0.0, 1.0, 100)) == 0


def test_shown_units_are_factors_and_a_negative_one_turns_low_and_high() -> None:
    pyramid = Pyramid()
    pyramid.append(np.array([0.0, 3600.0]), np.array([1e-3, 2e-3]))
    found = Scaled(pyramid, -1e3, 1 / 3600.0).columns(-math.inf, math.inf, 100)
    assert (
        found.x.tolist() == [0.0, 1.0]
        and found.low.tolist() == [-1.0, -2.0]
        and found.high.tolist() == [-1.0, -2.0]
    )


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        ("1,2,5,10:100:10", (1, 2, 5, *range(10, 101, 10))),
        ("３，４", (3, 4)),
        ("1:3", (1, 2, 3)),
        ("", ()),
        ("2,2,1", (2, 1)),
    ],
)
def test_r9_cycles_are_listed_as_operators_write_them(text: str, cycles: tuple[int, ...]) -> None:
    assert cycle_list(text).cycles == cycles


def test_r9_lists_that_cannot_be_meant_are_refused_with_words() -> None:
    for text in ("a", "0", "5:1", "1:100", "1:2:0", "-3"):
        assert cycle_list(text).problem, text
    assert cycle_list("1:100:10", last=35).cycles == (1, 11, 21, 31)


@given(st.text(alphabet="0123456789:, ;x", max_size=20))
def test_no_list_raises(text: str) -> None:
    assert isinstance(cycle_list(text).cycles, tuple)


def test_u07_cycles_are_cut_into_half_cycles_kept_and_asked_for_once() -> None:
    asks = FakeAsks()
    curves = CycleCurves(asks)
    curves.take_cycles("r1", {"cycle": [1, 2], "first_sequence": [1, 11], "last_sequence": [10, 20]})
    assert curves.of("r1", (1, 2, 3)) == () and len(asks.asked) == 2
    assert asks.asked[0].words["after"] == 0 and asks.asked[0].words["limit"] == 10
    told: list[str] = []
    curves.watch(told.append)
    asks.asked[0].then({
        "sequence": np.arange(1, 11), "voltage_volt": np.linspace(3.0, 3.9, 10),
        "step_type": np.array([1] * 5 + [0] + [2] * 4), "step_count": np.array([1] * 5 + [2] + [3] * 4),
        "step_capacity_ah": np.concatenate((np.arange(5.0), [0.0], np.arange(4.0))), "quality": np.zeros(10),
    })  # fmt: skip
    charge, discharge = curves.of("r1", (1,))
    assert charge.charging and not discharge.charging and told == ["r1"]
    assert charge.capacity_Ah.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0] and len(discharge.voltage_V) == 4
    assert len(asks.asked) == 2
    asks.asked[1].failed(Trouble("no", "no"))
    assert "r1" in curves.troubles


def test_a_cycle_that_the_station_refuses_is_asked_once_and_again_when_the_run_s_cycles_are_told_anew() -> (
    None
):
    told = {"cycle": [1], "first_sequence": [1], "last_sequence": [5]}
    asks = FakeAsks({"runs.records": Trouble("No rows.", "the file is damaged")})
    curves = CycleCurves(asks)
    curves.take_cycles("r1", told)
    for _ in range(3):  # as each repaint does
        assert curves.of("r1", [1]) == ()
    assert len(asks.asked) == 1 and curves.troubles["r1"].why == "the file is damaged"
    asks.answers["runs.records"] = Trouble("No answer", "the station is silent", kind=TroubleKind.DEADLINE)
    curves.take_cycles("r1", told)
    for _ in range(2):
        curves.of("r1", [1])
    assert len(asks.asked) == 3, "a silent station is asked again"
