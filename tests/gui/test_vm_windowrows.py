"""The rows behind a plot: fetched once few are in view, followed live."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.gui.viewmodels.batches import Batch, RowsOf
from labctl.gui.viewmodels.growing import Growing
from labctl.gui.viewmodels.windowrows import NAMES, WindowRows
from labctl.testing.guilab import FakeAsks, a_lab


def rows_of(*sequences: int) -> dict[str, Any]:
    return {name: np.array(sequences, dtype=np.float64) for name in NAMES}


def test_a_run_of_which_the_station_has_no_row_yet_is_followed_from_its_first() -> None:
    lab, asks = a_lab(), FakeAsks({"runs.records": rows_of()})
    rows = WindowRows(lab, asks)
    rows.show("run-1")
    rows.want(1, 100)
    assert asks.verbs == ["runs.records"] and not rows.whole
    lab.apply(Batch(rows=(RowsOf("run-1", rows_of(1, 2)),)))
    rows.want(1, 2)
    assert rows.whole and rows.trouble is None


def test_live_rows_follow_the_fetched_ones_and_the_oldest_go_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("labctl.gui.viewmodels.windowrows.ROWS_MAX", 40)
    monkeypatch.setattr("labctl.gui.viewmodels.windowrows.LIVE_MAX", 20)
    lab, asks = a_lab(), FakeAsks({"runs.records": rows_of(*range(1, 11))})
    rows = WindowRows(lab, asks)
    rows.show("run-1")
    rows.want(1, 10)
    for first in range(11, 121, 10):
        lab.apply(Batch(rows=(RowsOf("run-1", rows_of(*range(first, first + 10))),)))
        time_s, value = rows.bad("voltage_volt")  # these rows have quality 1 and more: all are BAD
        assert time_s.tolist() == value.tolist() and len(time_s) <= 60
        assert time_s.tolist() == list(range(first + 10 - len(time_s), first + 10))
    rows.want(90, 120)
    assert rows.whole and len(asks.of("runs.records")) == 1
    rows.want(1, 20)
    assert len(asks.of("runs.records")) == 2, "the oldest rows are asked for again"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 4000)), max_size=12))
def test_columns_grow_and_forget_as_lists_do(changes: list[tuple[int, int]]) -> None:
    columns, plain, number = Growing("<f8", "u1"), np.zeros(0), 0
    for added, dropped in changes:
        fresh = np.arange(number, number + added, dtype=np.float64)
        number += added
        before = columns.view(0)
        columns.append(fresh, (fresh % 256).astype(np.uint8))
        np.testing.assert_array_equal(before, plain)
        plain = np.concatenate((plain, fresh))
        if dropped <= len(plain):
            columns.drop(dropped)
            plain = plain[dropped:]
        np.testing.assert_array_equal(columns.view(0), plain)
        np.testing.assert_array_equal(columns.view(1), plain % 256)
        assert columns.size == len(plain)
