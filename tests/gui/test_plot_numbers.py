"""Plots without a window: ticks, strokes, envelopes, images, ramps."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.gui.plots import fields, geometry, ticks
from labctl.gui.plots.data import BACKFILLED, GAP, ArrayTrace
from labctl.gui.plots.fields import Field
from labctl.gui.plots.look import lightness, look_of
from labctl.gui.plots.raster import SCATTER_SHARE, image_of
from labctl.gui.plots.words import span_text
from labctl.gui.theme.tokens import TABLE, ThemeName, contrast_ratio

# -- ticks


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-6, 1e7), most=st.integers(4, 8))
def test_an_axis_has_two_to_eight_ticks_on_round_numbers_within_its_range(
    low: float, span: float, most: int
) -> None:
    found = ticks.ticks_for(Field("voltage", "V"), low, low + span, most)
    assert 1 <= len(found.values) <= most + 1
    assert all(low - 1e-6 * span <= value <= low + span * (1 + 1e-6) for value in found.values)


def test_figures_have_equal_decimals_and_a_true_minus() -> None:
    found = ticks.ticks_for(Field("voltage", "V"), -0.25, 0.25, 6)
    assert found.labels == ("−0.2", "−0.1", "0", "0.1", "0.2")
    assert found.title == "voltage / V"


def test_a_prefix_is_chosen_by_the_field_never_by_the_axis() -> None:
    found = ticks.ticks_for(Field("current", "µA", 1e6), 0.0, 80e-6, 5)
    assert found.labels == ("0", "20", "40", "60", "80") and found.title == "current / µA"


@pytest.mark.parametrize(
    ("span_s", "unit"), [(100, "s"), (3600, "min"), (40 * 3600, "h"), (44 * 86_400, "h"), (90 * 86_400, "d")]
)
def test_test_time_is_told_in_the_unit_of_its_span(span_s: float, unit: str) -> None:
    assert ticks.ticks_for(fields.test_time(), 0, span_s, 8).title == f"test time / {unit}"


def test_hours_of_a_long_run_stand_on_days() -> None:
    assert ticks.ticks_for(fields.test_time(), 0, 1050 * 3600, 5).labels == ("0", "240", "480", "720", "960")


def test_cycles_are_whole_numbers() -> None:
    assert ticks.ticks_for(fields.cycle_number(), 1, 3, 8).labels == ("1", "2", "3")


def test_a_log_axis_counts_decades_as_people_write_them() -> None:
    found = ticks.ticks_for(Field("frequency", "Hz"), -1, 6, 8, log=True)
    assert found.labels == ("0.1", "1", "10", "100", "1\u2009k", "10\u2009k", "100\u2009k", "1\u2009M")


def test_within_a_decade_a_log_axis_has_round_numbers() -> None:
    found = ticks.ticks_for(Field("|Z|", "Ω"), np.log10(100), np.log10(400), 6, log=True)
    assert len(found.labels) >= 3 and {"200", "300"} <= set(found.labels)


def test_moments_stand_on_round_local_times_and_tell_the_day_at_midnight() -> None:
    zone = timezone(timedelta(hours=8))
    noon_s = 1_776_700_800.0  # 2026-04-20 16:00 UTC, which is midnight in the zone
    found = ticks.ticks_for(fields.moment(zone=zone), noon_s - 6 * 3600, noon_s + 6 * 3600, 6)
    assert "04-21" in found.labels and "22:00" in found.labels
    assert found.title == "local time, 2026-04-20, UTC+08:00"
    assert all((value - noon_s) % 3600 == 0 for value in found.values)


def test_days_of_months_stand_on_local_midnights() -> None:
    found = ticks.ticks_for(fields.moment(zone=UTC), 1_776_700_800.0, 1_776_700_800.0 + 40 * 86_400, 6)
    assert all(value % 86_400 == 0 for value in found.values) and len(found.values) >= 3


@pytest.mark.parametrize(
    ("span_s", "text"), [(360, "6\u2009min"), (6732, "112\u2009min"), (12, "12\u2009s"), (9000, "2.5\u2009h")]
)
def test_a_span_is_told_in_three_figures(span_s: float, text: str) -> None:
    assert span_text(span_s) == text


# -- envelopes and strokes


def strip(x: list[float], y: list[float], broken: list[int] = []) -> geometry.Strip:  # noqa: B006 - read only
    ys = np.array(y, dtype=float)
    flags = np.zeros(len(x), dtype=bool)
    flags[broken] = True
    return geometry.Strip(np.array(x, dtype=float), ys, ys, ys, ys, flags)


def test_an_envelope_keeps_every_extreme_and_breaks_at_nan() -> None:
    x = np.arange(10_000.0)
    y = np.sin(x / 50)
    y[5000:5010] = np.nan
    y[7777] = 9.0
    found = ArrayTrace(x, y).columns(0, 10_000, 100)
    assert len(found.x) <= 110 and found.high.max() == 9.0
    assert found.gaps.tolist() == [[4999.0, 5010.0]]
    assert (found.flags & GAP).astype(bool).sum() == 1


def test_a_trace_whose_x_falls_is_refused() -> None:
    with pytest.raises(ValueError, match="fall"):
        ArrayTrace(np.array([1.0, 0.0]), np.zeros(2))


def test_strokes_follow_the_line_across_every_column_it_crosses() -> None:
    top, bottom = geometry.spans([strip([0.5, 4.5], [0.0, 40.0])], 5)
    assert top[0].tolist() == [0.0, 5.0, 15.0, 25.0, 35.0]
    assert bottom[0].tolist() == [5.0, 15.0, 25.0, 35.0, 40.0]


def test_nothing_is_drawn_over_a_gap() -> None:
    top, _ = geometry.spans([strip([0.5, 1.5, 6.5, 7.5], [1, 2, 3, 4], [2])], 8)
    assert np.isfinite(top[0]).tolist() == [True, True, False, False, False, False, True, True]


def test_curves_drawn_together_do_not_touch_each_other() -> None:
    top, bottom = geometry.spans([strip([0.5, 2.5], [1, 1]), strip([0.5, 2.5], [9, 9])], 3)
    assert top.tolist() == [[1, 1, 1], [9, 9, 9]] and bottom.tolist() == top.tolist()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_the_image_is_what_a_painter_would_paint_one_curve_after_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves, width, height = int(rng.integers(1, 150)), 7, int(rng.integers(2, 30))
    top = rng.uniform(-5, height + 5, (curves, width))
    bottom = top + rng.uniform(0, height if seed % 2 else 2, (curves, width))
    top[rng.random(top.shape) < 0.2] = np.nan
    colours = list(range(1, curves + 1))
    expected = np.zeros((height, width), dtype=np.uint32)
    for curve in range(curves):
        for column in range(width):
            if np.isfinite(top[curve, column]):
                first = max(0, int(np.floor(top[curve, column])))
                stop = max(0, int(np.floor(bottom[curve, column])) + 1)
                expected[first:stop, column] = colours[curve]
    assert SCATTER_SHARE > 0 and np.array_equal(image_of(top, bottom, colours, height), expected)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10_000))
def test_a_line_cut_at_a_box_stays_in_it_and_loses_nothing_inside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.uniform(-5, 15, 12)), rng.uniform(-5, 15, 12)
    joined = rng.random(12) < 0.85
    joined[-1] = False
    out_x, out_y, on = geometry.clipped(x, y, joined, (0.0, 0.0, 10.0, 10.0))
    assert np.all((out_x > -1e-9) & (out_x < 10 + 1e-9) & (out_y > -1e-9) & (out_y < 10 + 1e-9))

    def length(px: np.ndarray, py: np.ndarray, go: np.ndarray) -> float:
        return float((np.hypot(np.diff(px), np.diff(py)) * go[:-1]).sum())

    fine = np.linspace(0, 1, 2001)
    inside = 0.0
    for (x_0, y_0), (x_1, y_1), go in zip(
        pairwise_first(x, y), pairwise_second(x, y), joined[:-1], strict=True
    ):
        px, py = x_0 + fine * (x_1 - x_0), y_0 + fine * (y_1 - y_0)
        within = (px >= 0) & (px <= 10) & (py >= 0) & (py <= 10)
        inside += go * within.mean() * np.hypot(x_1 - x_0, y_1 - y_0)
    assert length(out_x, out_y, on) == pytest.approx(inside, abs=0.3)


def pairwise_first(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    return [first for first, _ in pairwise(zip(x, y, strict=True))]


def pairwise_second(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    return [second for _, second in pairwise(zip(x, y, strict=True))]


def test_back_filled_flags_survive_the_thinning() -> None:
    flags = np.zeros(5000, dtype=np.uint8)
    flags[100] = BACKFILLED
    found = ArrayTrace(np.arange(5000.0), np.zeros(5000), flags).columns(0, 5000, 50)
    assert (found.flags & BACKFILLED).any()


# -- colours


@pytest.mark.parametrize("name", list(ThemeName))
def test_the_cycle_ramp_rises_evenly_in_lightness_and_is_seen_on_its_plot(name: ThemeName) -> None:
    look = look_of(TABLE[name])
    steps = [lightness(look.cycle_colour(place / 20)) for place in range(21)]
    assert all(after > before for before, after in pairwise(steps))
    assert all(contrast_ratio(look.cycle_colour(place / 20), look.plot) >= 3.0 for place in range(21))


def test_a_cycle_keeps_its_place_on_the_ramp_and_groups_keep_their_colours() -> None:
    look = look_of(TABLE[ThemeName.LIGHT])
    colours = look.cycle_colours([1, 30, 59])
    assert colours[1] == look.ramp[0] and colours[59] == look.ramp[-1]
    assert (
        look.group_colour("pristine") == look.pristine and look.group_colour("Zn 5 nm", 3) == look.curves[3]
    )
    assert len({look.dash(index) for index in range(4)}) == 4 and look.dash(4) == look.dash(0)
