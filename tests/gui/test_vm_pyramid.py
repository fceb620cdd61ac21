"""A curve of millions of rows is drawn from a few columns that show the same: nothing lost, nothing invented."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.gui.viewmodels.pyramid import BACKFILLED, BAD, GAP, Envelope, Pyramid

BLOCKS = st.lists(st.integers(1, 700), min_size=1, max_size=6)


def rows_of(seed: int, count: int, *, bad: float, gaps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    steps = rng.choice([0.0, 0.1, 1.0, 60.0], size=count, p=[0.02, 0.4, 0.5, 0.08])
    flags = np.zeros(count, dtype=np.uint8)
    broken = rng.random(count) < gaps
    steps[broken] += 600.0
    flags[broken] |= GAP
    flags[rng.random(count) < bad] |= BAD
    flags[rng.random(count) < 0.05] |= BACKFILLED
    return np.cumsum(steps), rng.normal(3.5, 0.3, count), flags


def filled(x: np.ndarray, y: np.ndarray, flags: np.ndarray, blocks: list[int]) -> Pyramid:  # type: ignore[type-arg]
    pyramid, at = Pyramid(), 0
    for size in [*blocks, len(x)]:
        pyramid.append(x[at : at + size], y[at : at + size], flags[at : at + size])
        at += size
    return pyramid


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10_000), BLOCKS, st.floats(0, 1), st.floats(0, 1), st.integers(1, 400),
       st.sampled_from([0.0, 0.05, 1.0]), st.sampled_from([0.0, 0.01]))  # fmt: skip
def test_columns_show_exactly_what_the_rows_show(
    seed: int, blocks: list[int], one: float, other: float, width: int, bad: float, gaps: float
) -> None:
    count = sum(blocks)
    x, y, flags = rows_of(seed, count, bad=bad, gaps=gaps)
    pyramid = filled(x, y, flags, blocks)
    begin, end = sorted((x[0] + one * (x[-1] - x[0]), x[0] + other * (x[-1] - x[0])))
    found = pyramid.columns(begin, end, width)
    wanted = slice(max(0, int(np.searchsorted(x, begin)) - 1), int(np.searchsorted(x, end, side="right")) + 1)
    good = np.where((flags & BAD) != 0, np.nan, y)[wanted]
    assert len(found) <= max(2 * width, 4) + int((flags[wanted] & GAP != 0).sum()) + 4
    assert np.all(np.diff(found.x) >= 0)
    if np.isfinite(good).any():
        assert np.nanmin(found.low) == np.nanmin(good) and np.nanmax(found.high) == np.nanmax(good)
        assert found.first[np.isfinite(found.first)][0] == good[np.isfinite(good)][0]
        assert found.last[np.isfinite(found.last)][-1] == good[np.isfinite(good)][-1]
    else:
        assert not np.isfinite(found.low).any()
    assert bool((found.flags & BAD).any()) == bool((flags[wanted] & BAD).any() or np.isnan(good).any())
    assert bool((found.flags & BACKFILLED).any()) == bool((flags[wanted] & BACKFILLED).any())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(300, 6000), st.integers(20, 300))
def test_each_pixel_column_has_the_least_and_greatest_value_of_its_rows(
    seed: int, count: int, width: int
) -> None:
    x, y, flags = rows_of(seed, count, bad=0.02, gaps=0.0)
    x = x + np.arange(count) * 1e-6
    found = filled(x, y, flags, [count // 3]).columns(-math.inf, math.inf, width)
    column = (x[-1] - x[0]) / width
    good = (flags & BAD) == 0
    if len(found) == count:
        np.testing.assert_array_equal(found.low[good], y[good])
        return
    edges = np.append(found.x, np.inf)
    for index in range(len(found)):
        inside = good & (x >= edges[index]) & (x < edges[index + 1])
        if not inside.any():
            continue
        assert found.low[index] <= y[inside].min() and found.high[index] >= y[inside].max()
        near = good & (x >= edges[index] - column) & (x <= edges[index] + 2 * column)
        assert found.low[index] >= y[near].min() - 1e-12 and found.high[index] <= y[near].max() + 1e-12


def test_u06_a_gap_breaks_the_line_where_it_is_and_is_named_with_its_ends() -> None:
    x = np.concatenate((np.arange(0.0, 5000.0), np.arange(9000.0, 14_000.0)))
    flags = np.zeros(10_000, dtype=np.uint8)
    flags[5000] = GAP
    pyramid = filled(x, np.sin(x / 500.0), flags, [123, 4000])
    found = pyramid.columns(-math.inf, math.inf, 200)
    assert found.gaps.tolist() == [[4999.0, 9000.0]]
    broken = np.flatnonzero(found.flags & GAP)
    assert len(broken) == 1 and found.x[broken[0]] == 9000.0
    assert not ((found.x > 4999.0) & (found.x < 9000.0)).any()
    assert len(pyramid.columns(0.0, 4000.0, 200).gaps) == 0


def test_u06_bad_rows_are_marked_and_take_no_part_in_any_value() -> None:
    x, y = np.arange(1000.0), np.full(1000, 3.5)
    flags = np.zeros(1000, dtype=np.uint8)
    y[500], flags[500] = 99.0, BAD
    found = filled(x, y, flags, [10]).columns(0.0, 999.0, 100)
    assert found.high.max() == 3.5 and (found.flags & BAD != 0).sum() == 1
    close = filled(x, y, flags, [10]).columns(498.0, 502.0, 100)
    assert np.isnan(close.low).sum() == 1


def test_a_single_row_far_from_the_others_stays_where_it_is() -> None:
    x = np.concatenate((np.linspace(0.0, 1.0, 5000), [1e6]))
    found = filled(x, np.ones(5001), np.zeros(5001, dtype=np.uint8), []).columns(-math.inf, math.inf, 300)
    assert found.x[-1] == 1e6 and found.x[-2] <= 1.0


def test_memory_is_bounded_and_what_is_left_is_right() -> None:
    pyramid = Pyramid(rows_max=10_000)
    for block in range(100):
        x = np.arange(1000.0) + 1000.0 * block
        pyramid.append(x, x % 77.0)
        assert len(pyramid) <= 10_000
    assert pyramid.dropped + len(pyramid) == 100_000 and pyramid.end == 99_999.0
    x = np.arange(pyramid.begin, 100_000.0)
    found = pyramid.columns(-math.inf, math.inf, 50)
    assert found.low.min() == (x % 77.0).min() and found.high.max() == (x % 77.0).max()
    assert found.x[0] == pyramid.begin


def test_rows_that_go_back_are_refused_and_nothing_is_asked_of_nothing() -> None:
    pyramid = Pyramid()
    assert len(pyramid.columns(0.0, 1.0, 100)) == 0 and math.isnan(pyramid.end)
    pyramid.append(np.array([1.0, 2.0]), np.array([3.0, 3.1]))
    with pytest.raises(ValueError, match="falls"):
        pyramid.append(np.array([1.5]), np.array([3.0]))
    assert len(pyramid.columns(5.0, 4.0, 100)) == 0
    assert pyramid.columns(5.0, 6.0, 100).x.tolist() == [2.0]


def test_a_million_rows_come_as_a_few_columns() -> None:
    x = np.arange(2_600_000.0)
    pyramid = Pyramid()
    pyramid.append(x, np.sin(x / 1e4))
    found = pyramid.columns(-math.inf, math.inf, 1000)
    assert isinstance(found, Envelope) and 900 <= len(found) <= 2000
    assert found.low.min() == np.sin(x / 1e4).min()


def test_a_question_asked_again_while_rows_come_in_loses_nothing() -> None:
    x, y, flags = rows_of(5, 12_000, bad=0.02, gaps=0.01)
    questions = ((0.0, float(x[-1]), 300), (float(x[3000]), float(x[6000]), 64), (-math.inf, math.inf, 40))
    grown, rng, at = Pyramid(), np.random.default_rng(5), 0
    while at < len(x):
        upto = min(len(x), at + int(rng.integers(1, 400)))
        grown.append(x[at:upto], y[at:upto], flags[at:upto])
        at = upto
        for begin, end, width_px in questions:
            found = grown.columns(begin, end, width_px)
            assert found is grown.columns(begin, end, width_px)  # nothing new: the very answer
            inside = (x[:at] > max(begin, 0.0)) & (x[:at] < end) & ((flags[:at] & BAD) == 0)
            assert not inside.any() or np.nanmax(found.high) >= y[:at][inside].max()
            assert not inside.any() or np.nanmin(found.low) <= y[:at][inside].min()
    assert np.array_equal(grown.columns(*questions[0]).gaps, np.array(grown._gaps))
