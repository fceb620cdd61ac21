"""One selection for every view (R8), and sparklines that stay small."""

from __future__ import annotations

import numpy as np

from labctl.gui.viewmodels.places import natural
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.viewmodels.sparks import COLUMN_S, COLUMNS, Sparklines
from labctl.testing.guilab import FakeAsks, a_lab, empty, running, tell

ORDER = [f"1-{slot}" for slot in range(1, 9)]


def test_r8_click_ctrl_and_shift_select_as_everywhere() -> None:
    chosen = Selection()
    told: list[int] = []
    unwatch = chosen.watch(lambda: told.append(len(chosen)))
    chosen.choose("1-2")
    chosen.extend("1-5", ORDER)
    assert chosen.channels == ("1-2", "1-3", "1-4", "1-5") and chosen.current == "1-5"
    chosen.extend("1-1", ORDER)
    assert chosen.channels == ("1-1", "1-2")
    chosen.toggle("1-7")
    chosen.toggle("1-1")
    assert chosen.channels == ("1-2", "1-7") and "1-1" not in chosen
    chosen.choose("1-2")
    chosen.choose("1-2")
    unwatch()
    chosen.clear()
    assert told == [1, 4, 2, 3, 2, 1]


def test_r8_lasso_group_and_what_is_gone() -> None:
    chosen = Selection()
    chosen.lasso(ORDER[:3])
    chosen.lasso(["1-8"], add=True)
    assert chosen.channels == ("1-1", "1-2", "1-3", "1-8")
    chosen.keep(["1-2", "1-8"])
    assert chosen.channels == ("1-2", "1-8") and chosen.current == "1-8"
    chosen.extend("1-9", ORDER)
    assert chosen.channels == ("1-9",)


def test_the_selection_is_told_in_the_order_of_the_bench() -> None:
    chosen = Selection()
    assert chosen.told(str) == "Nothing is selected."
    chosen.lasso(["1-4", "1-2", "1-3", "1-1"])
    assert chosen.told(str, ORDER) == "4 selected  1-1 … 1-4"
    chosen.choose("1-3")
    assert chosen.told(str, ORDER) == "1 selected  1-3"


def test_ten_comes_after_nine() -> None:
    assert sorted(["1-10", "1-9", "2-1", "a"], key=natural) == ["1-9", "1-10", "2-1", "a"]


def test_a_sparkline_shows_two_hours_and_no_more() -> None:
    lab = a_lab()
    sparks = Sparklines(lab)
    for index in range(2000):
        tell(lab, running("neware:1-1", test_time_s=index * 10.0, voltage_V=float(index % 7)))
    spark = sparks.of("neware:1-1")
    assert len(spark.x) <= COLUMNS + 1 and spark.x[-1] == COLUMNS and spark.x[0] >= 0
    assert spark.low_V.min() == 0.0 and spark.high_V.max() == 6.0


def test_a_sparkline_takes_what_was_before_the_window_looked_once() -> None:
    lab = a_lab()
    asks = FakeAsks({"runs.series": {"x_first": np.array([90_000.0, 95_000.0, 1.0]),
                                     "voltage_volt_min": np.array([3.0, 3.1, 9.0]),
                                     "voltage_volt_max": np.array([3.2, 3.3, 9.0])}})  # fmt: skip
    sparks = Sparklines(lab, asks)
    tell(lab, running("neware:1-1", test_time_s=96_000.0, voltage_V=3.5))
    sparks.of("neware:1-1")
    spark = sparks.of("neware:1-1")
    assert len(asks.asked) == 1 and asks.asked[0].words["width"] == COLUMNS
    assert asks.asked[0].words["end"] - asks.asked[0].words["begin"] == 7200.0
    assert spark.high_V.max() == 3.5 and spark.low_V.min() == 3.0
    assert np.all(np.diff(spark.x) > 0) and COLUMN_S > 90


def test_another_run_begins_another_sparkline_and_an_empty_channel_has_none() -> None:
    lab = a_lab()
    sparks = Sparklines(lab)
    tell(lab, running("neware:1-1", test_time_s=500.0, voltage_V=3.0))
    tell(lab, running("neware:1-1", run_id="run-2", test_time_s=10.0, voltage_V=4.0))
    assert sparks.of("neware:1-1").high_V.tolist() == [4.0]
    tell(lab, empty("neware:1-1"))
    assert len(sparks.of("neware:1-1").x) == 0
