"""The walk through a program: repeats, ifs, passes, jump-backs, and going on from a stored position."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.engine.machines.walk import Walker, WalkPosition
from labctl.engine.run import condition_holds
from labctl.errors import InvariantError
from labctl.model.program import HostIf, HostNode, HostRepeat, Segment, Spectroscopy
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.fakeruns import program, rest


def seg(index: int) -> Segment:
    """Return a segment that is only a rest."""
    return Segment(index, (rest(index),))


def holds(expression: str, values: Mapping[str, float]) -> bool:
    """Evaluate with the protocol's own grammar."""
    return condition_holds(expression, dict(values))


def walked(
    flow: tuple[HostNode, ...], values: Mapping[str, float] | None = None
) -> tuple[list[int], list[int]]:
    """Return the segments in order, and the jump-backs before each."""
    walker = Walker(program(flow), holds)
    order: list[int] = []
    jumps: list[int] = []
    while (found := walker.advance(values or {})[0]) is not None:
        order.append(found.index)
        jumps.append(walker.position.jumps)
        assert walker.segment is found
    return order, jumps


def test_plain_flow_is_walked_once() -> None:
    assert walked((seg(1), seg(2), seg(3))) == ([1, 2, 3], [0, 0, 0])


def test_repeat_until_counts_passes_in_total_and_jumps_once_less() -> None:
    flow = (seg(1), HostRepeat("pass >= 3", 10, (seg(2),)), seg(3))
    assert walked(flow) == ([1, 2, 2, 2, 3], [0, 0, 1, 2, 2])


def test_repeat_that_never_meets_its_condition_ends_at_its_bound() -> None:
    assert walked((HostRepeat("voltage > 1 V", 4, (seg(1),)),))[0] == [1] * 4


def test_inner_repeat_begins_anew_in_each_outer_pass() -> None:
    flow = (HostRepeat("pass >= 2", 5, (HostRepeat("pass >= 3", 5, (seg(1),)), seg(2))),)
    order, jumps = walked(flow)
    assert order == [1, 1, 1, 2, 1, 1, 1, 2]
    assert jumps[-1] == 5  # two inner jumps per outer pass and one outer


@pytest.mark.parametrize(("voltage_V", "expected"), [(2.0, [1, 3]), (0.5, [2, 3])])
def test_if_takes_the_branch_of_the_moment(voltage_V: float, expected: list[int]) -> None:
    flow = (HostIf("voltage > 1 V", (seg(1),), (seg(2),)), seg(3))
    assert walked(flow, {"voltage": voltage_V})[0] == expected


def test_if_without_otherwise_is_passed_over() -> None:
    assert walked((HostIf("voltage > 1 V", (seg(1),)), seg(2)), {"voltage": 0.0})[0] == [2]


def test_pass_in_an_if_is_the_number_of_passes_done() -> None:
    flow = (HostRepeat("pass >= 3", 5, (HostIf("pass >= 1", (seg(1),), (seg(2),)),)),)
    assert walked(flow)[0] == [2, 1, 1]


def test_unknown_value_is_never_true() -> None:
    assert walked((HostIf("polarisation > 0 V", (seg(1),), (seg(2),)),))[0] == [2]


def test_repeat_whose_body_chooses_nothing_still_ends() -> None:
    assert walked((HostRepeat("voltage > 1 V", 7, (HostIf("voltage > 1 V", (seg(1),)),)), seg(2)))[0] == [2]


def test_decisions_are_told_with_what_was_taken() -> None:
    walker = Walker(program((HostRepeat("pass >= 2", 5, (seg(1),)),)), holds)
    walker.advance({})
    _, decisions = walker.advance({})
    assert [(item.value, item.passes, item.taken) for item in decisions] == [(False, 1, "again")]
    _, decisions = walker.advance({})
    assert [(item.value, item.passes, item.taken) for item in decisions] == [(True, 2, "go on")]


def test_expression_that_raises_leaves_the_walk_where_it_was() -> None:
    def refuse(expression: str, values: Mapping[str, float]) -> bool:
        raise ValueError(expression)

    walker = Walker(program((seg(1), HostIf("x", (seg(2),)))), refuse)
    walker.advance({})
    before = walker.position
    with pytest.raises(ValueError, match="x"):
        walker.advance({})
    assert walker.position == before


def test_position_that_the_program_does_not_have_is_refused() -> None:
    walker = Walker(program((seg(1), HostRepeat("pass >= 2", 3, (seg(2),)))), holds)
    for position in (WalkPosition(9, (1,)), WalkPosition(1, (1,)), WalkPosition(0, ())):
        with pytest.raises(InvariantError, match="I11"):
            walker.restore(position)
    with pytest.raises(InvariantError, match="I11"):
        WalkPosition.from_json({"at": "0"})


def flows(depth: int = 2) -> st.SearchStrategy[tuple[HostNode, ...]]:
    """Return strategies of flows with nested repeats and ifs; repeats end by passes, ifs by passes."""
    leaf = st.integers(1, 5).map(seg)
    if depth == 0:
        return st.lists(leaf, min_size=1, max_size=2).map(tuple)
    inner = flows(depth - 1)
    repeat = st.builds(
        lambda passes, body: HostRepeat(f"pass >= {passes}", 4, body), st.integers(1, 3), inner
    )
    branch = st.builds(
        lambda passes, a, b: HostIf(f"pass >= {passes}", a, b), st.integers(0, 2), inner, inner
    )
    return st.lists(st.one_of(leaf, repeat, branch), min_size=1, max_size=3).map(tuple)


@given(flows())
def test_walk_taken_up_from_its_json_at_every_segment_is_the_same_walk(flow: tuple[HostNode, ...]) -> None:
    bound = program(flow)
    through = Walker(bound, holds)
    taken_up = Walker(bound, holds)
    for _ in range(500):
        segment, decisions = through.advance({})
        again, decisions_again = taken_up.advance({})
        assert (segment, decisions) == (again, decisions_again)
        if segment is None:
            return
        stored = json.loads(json.dumps(through.position.to_json()))
        taken_up = Walker(bound, holds)
        taken_up.restore(WalkPosition.from_json(stored))
        assert taken_up.passes == through.passes
    raise AssertionError("the walk does not end")


def eis(index: int) -> Spectroscopy:
    """Return a spectrum of a few points."""
    return Spectroscopy(index, Peis(FrequencySweep(1e3, 1.0), 0.01))


def test_a_spectrum_is_a_place_of_its_own_to_which_a_walk_goes_back() -> None:
    flow = (seg(1), HostRepeat("pass >= 2", 2, (eis(1), seg(2))))
    walker = Walker(program(flow), holds)
    kinds = []
    while (found := walker.advance({})[0]) is not None:
        kinds.append((found.kind, found.index, walker.position.jumps))
        other = Walker(program(flow), holds)
        other.restore(walker.position)
        assert (other.segment, other.spectroscopy) == (walker.segment, walker.spectroscopy)
        assert (walker.segment is None) == (found.kind == "eis")
    assert kinds == [("segment", 1, 0), ("eis", 1, 0), ("segment", 2, 0), ("eis", 1, 1), ("segment", 2, 1)]


def test_a_change_of_what_was_measured_already_is_no_revision() -> None:
    walker = Walker(program((eis(1), seg(1))), holds)
    walker.advance({})
    assert walker.revised(program((eis(1), seg(2)))).spectroscopy == eis(1)
    with pytest.raises(InvariantError, match="I11"):
        walker.revised(program((seg(1), eis(1))))
