"""From device rows to rows of the run: whatever the pages are cut like, the rows are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.engine.machines.follow import Follower, Plausible, Position, position_after
from labctl.errors import InvariantError
from labctl.model.program import HostNode, Loop, RecordRule, Segment
from labctl.model.record import DEVICE_COLUMNS, QUALITY_BAD, RECORD_COLUMNS, DeviceBlock, RecordBlock
from labctl.testing.fakecycler import FakeBench, FakeCycler
from labctl.testing.fakeruns import CURRENT_A, bench, charge, cycling, rest

RULE = RecordRule(every_s=10.0)
STEP_IDS = (1, 2, 3, 0, 0)


def device_rows(flow: tuple[HostNode, ...] | None = None) -> DeviceBlock:
    """Return all rows of one device test."""
    made: FakeBench = bench()
    (segment,) = flow or cycling(4, 95.0)
    assert isinstance(segment, Segment)
    made.begin("1-1", segment, RULE, limits=_no_limits(), barcode="x")
    rows = made.channels["1-1"].tests[0].rows
    return DeviceBlock({name: rows[name] for name in DEVICE_COLUMNS})


def _no_limits() -> Any:
    from labctl.model.program import Limits

    return Limits()


def follower(position: Position | None = None) -> Follower:
    """Return a follower at the beginning of a run's first segment."""
    return Follower(position or Position().next_segment(0), STEP_IDS, Plausible(10.0, 0.02))


def edited(block: DeviceBlock, name: str, row: int, value: object) -> DeviceBlock:
    """Return the block with one value changed."""
    columns = {key: column.copy() for key, column in block.columns.items()}
    columns[name][row] = value
    return DeviceBlock(columns)


def same(one: RecordBlock, other: RecordBlock) -> bool:
    """Tell whether two blocks hold the same rows, bit by bit."""
    return all(
        np.array_equal(one[name], other[name], equal_nan=name == "step_time_second")
        for name in RECORD_COLUMNS
    )


def test_columns_have_the_names_and_types_of_the_record() -> None:
    block = follower().block(device_rows())
    for name, dtype in RECORD_COLUMNS.items():
        assert block[name].dtype == np.dtype(dtype), name


def test_counts_go_on_through_steps_and_cycles() -> None:
    block = follower().block(device_rows())
    assert block["sequence"].tolist() == list(range(1, len(block) + 1))
    assert block["cycle_count"][0] == 1
    assert block["cycle_count"][-1] == 4
    assert block["step_count"][-1] == 9  # a rest and four times two halves
    assert sorted(set(block["step_id"].tolist())) == [1, 2, 3]
    assert block["test_time_second"][-1] == 600.0 + 8 * 95.0


def test_step_joint_has_the_same_test_time_twice() -> None:
    block = follower().block(device_rows())
    joints = np.flatnonzero(np.diff(block["step_count"]))
    assert np.array_equal(block["test_time_second"][joints], block["test_time_second"][joints + 1])


def test_loop_over_one_step_is_counted_by_its_cycle() -> None:
    flow = (Segment(1, (Loop(3, (charge(1, 0.0),)),)),)
    block = Follower(Position().next_segment(0), (1, 0, 0), Plausible()).block(device_rows(flow))
    assert sorted(set(block["step_count"].tolist())) == [1, 2, 3]


def test_second_segment_goes_on_where_the_first_ended() -> None:
    first = follower()
    one = first.block(device_rows())
    second = follower(first.position.next_segment(1))
    two = second.block(device_rows())
    assert two["sequence"][0] == len(one) + 1
    assert two["test_time_second"][0] == one["test_time_second"][-1]
    assert two["step_count"][0] == one["step_count"][-1] + 1
    assert two["cycle_count"][0] == one["cycle_count"][-1] + 1  # the host jumped back once
    assert two["device_cycle"][0] == 1
    assert two["segment"][0] == 2


@given(st.data())
def test_any_cut_into_pages_and_any_restart_between_them_gives_the_same_rows(data: st.DataObject) -> None:
    rows = device_rows()
    whole = follower().block(rows)
    count = len(rows)
    cuts = sorted(data.draw(st.sets(st.integers(1, count - 1), max_size=8)))
    parts: list[RecordBlock] = []
    current = follower()
    for begin, end in zip([0, *cuts], [*cuts, count], strict=True):
        parts.append(current.block(rows.rows(begin, end)))
        if data.draw(st.booleans()):
            current = follower(position_after(RecordBlock.joined(parts)))
    assert same(RecordBlock.joined(parts), whole)


def test_position_is_found_again_from_the_last_row_alone() -> None:
    current = follower()
    block = current.block(device_rows())
    assert position_after(block.rows(len(block) - 1)) == current.position


@pytest.mark.parametrize(
    ("name", "row", "value", "invariant"),
    [
        ("device_sequence", 0, 2, "I04"),
        ("device_sequence", 0, 0, "I02"),
        ("device_sequence", 5, 9, "I03"),
        ("device_step", 3, 0, "I04"),
        ("device_step", 3, 6, "I04"),
        ("device_cycle", 3, 0, "I04"),
    ],
)
def test_rows_that_cannot_be_are_refused_and_change_nothing(
    name: str, row: int, value: int, invariant: str
) -> None:
    current = follower()
    before = current.position
    with pytest.raises(InvariantError, match=invariant):
        current.block(edited(device_rows(), name, row, value))
    assert current.position == before
    assert len(current.block(device_rows()))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 65535.0, -9.9e37])
@pytest.mark.parametrize("name", ["voltage_volt", "current_ampere"])
def test_value_that_cannot_be_true_is_bad_and_kept_as_it_came(name: str, value: float) -> None:
    block = follower().block(edited(device_rows(), name, 7, value))
    assert block["quality"].tolist().count(QUALITY_BAD) == 1
    assert block["quality"][7] == QUALITY_BAD
    assert np.isnan(block[name][7]) if np.isnan(value) else block[name][7] == value


@pytest.mark.parametrize("value", [float("nan"), -1.0, 1e12])
def test_bad_step_time_stands_at_the_row_before(value: float) -> None:
    block = follower().block(edited(device_rows(), "step_time_second", 7, value))
    wanted = follower().block(device_rows())["test_time_second"]
    assert block["test_time_second"][7] == block["test_time_second"][6]
    assert np.array_equal(np.delete(block["test_time_second"], 7), np.delete(wanted, 7))
    assert block["quality"][7] == QUALITY_BAD


def test_gap_is_accepted_only_when_told() -> None:
    rows = device_rows()
    current = follower()
    current.block(rows.rows(0, 10))
    assert current.accept_gap(15) == 4
    block = current.block(rows.rows(14, 20))
    assert block["sequence"][0] == 11
    assert block["device_sequence"][0] == 15
    with pytest.raises(InvariantError, match="I02"):
        current.accept_gap(21)


def test_cycle_counter_that_falls_leaves_ours_standing() -> None:
    rows = device_rows()
    columns = dict(rows.columns)
    columns["device_cycle"] = np.where(rows["device_sequence"] > 100, 1, rows["device_cycle"]).astype("<i4")
    current = follower()
    block = current.block(DeviceBlock(columns))
    assert np.all(np.diff(block["cycle_count"]) >= 0)
    assert len(current.counter_resets) == 1


def test_fake_cycler_and_follower_agree_on_step_ids() -> None:
    assert FakeCycler is not None
    flow = (Segment(1, (rest(4), Loop(2, (charge(7), charge(9, 600.0, -CURRENT_A))))),)
    ids = (4, 7, 9, 0, 0)
    block = Follower(Position().next_segment(0), ids, Plausible()).block(device_rows(flow))
    assert sorted(set(block["step_id"].tolist())) == [4, 7, 9]
