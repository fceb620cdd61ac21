"""What lies ahead of a position is what a walk through the program really executes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.engine.machines.ahead import STARTS, Ahead, Bound, device_after, device_visits, holds
from labctl.engine.machines.walk import Walker
from labctl.model.program import DeviceNode, HostIf, HostNode, HostRepeat, Loop, Segment, Step
from labctl.testing.fakeruns import charge, program, rest


def numbered(shape: object, counter: Iterator[int]) -> DeviceNode:
    if isinstance(shape, int):
        return rest(next(counter))
    assert isinstance(shape, tuple)
    count, body = shape
    return Loop(count, tuple(numbered(item, counter) for item in body))


shapes = st.recursive(
    st.just(0),
    lambda inner: st.tuples(st.integers(1, 4), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)
bodies = st.lists(shapes, min_size=1, max_size=4)


def body_of(shape: Sequence[object], first: int = 1) -> tuple[DeviceNode, ...]:
    counter = iter(range(first, first + 1000))
    return tuple(numbered(item, counter) for item in shape)


def performed(body: Sequence[DeviceNode], jumps: list[int]) -> Iterator[tuple[int, int]]:
    """Execute a body as a device does; yield each step with the jumps back until then."""
    for node in body:
        if isinstance(node, Step):
            yield node.step_id, jumps[0]
            continue
        for done in range(node.count):
            jumps[0] += 1 if done else 0
            yield from performed(node.body, jumps)


@given(bodies)
@settings(max_examples=200, deadline=None)
def test_rest_of_a_device_test_is_counted_as_the_device_executes_it(shape: list[object]) -> None:
    body = body_of(shape)
    steps = list(performed(body, [0]))
    assert device_visits(body) == Counter(step_id for step_id, _ in steps)
    for place, (step_id, jumps) in enumerate(steps[:300]):
        assert device_after(body, step_id, jumps) == Counter(other for other, _ in steps[place + 1 :])


def truth(expression: str, values: Mapping[str, float]) -> bool:
    known = holds(expression, int(values["pass"]))
    assert known is not None
    return known


def host(shape: object, counter: Iterator[int]) -> HostNode:
    if isinstance(shape, int):
        index = next(counter)
        return Segment(index, (Loop(2, (rest(2 * index), charge(2 * index + 1))),))
    assert isinstance(shape, tuple)
    word, number, inner = shape
    body = tuple(host(item, counter) for item in inner)
    if word == "repeat":
        return HostRepeat(f"pass >= {number}", number, body)
    if word == "least":
        return HostRepeat(f"pass > {number} / 2", number, body)
    return HostIf(f"pass == {number - 1}" if word == "one" else f"pass >= {number - 1}", body)


flows = st.lists(
    st.recursive(
        st.just(0),
        lambda inner: st.tuples(
            st.sampled_from(["repeat", "least", "one", "if"]),
            st.integers(1, 4),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=6,
    ),
    min_size=1,
    max_size=3,
)


@given(flows)
@settings(max_examples=200, deadline=None)
def test_rest_of_a_program_is_counted_as_the_host_walks_it(shape: list[object]) -> None:
    counter = iter(range(1, 1000))
    bound = program(tuple(host(item, counter) for item in shape))
    walker, ahead = Walker(bound, truth), Ahead(bound)
    walked = []
    while len(walked) < 400:
        segment, _ = walker.advance({})
        if segment is None:
            break
        walked.append((segment, walker.position.passes))
    for place, (segment, passes) in enumerate(walked):
        expected: Counter[int] = Counter()
        for later, _ in walked[place + 1 :]:
            expected.update({STARTS: 1, **device_visits(later.body)})
        for way in Bound:
            assert ahead.after(segment.index, passes, way) == expected
    if walked:
        everything = Counter({STARTS: len(walked)})
        for segment, _ in walked:
            everything.update(device_visits(segment.body))
        assert ahead.whole(Bound.EXPECTED) == everything


def test_repeat_that_a_measured_value_ends_has_fewest_and_most_passes() -> None:
    body = (Segment(1, (rest(1),)),)
    ahead = Ahead(program((HostRepeat("retention < 80 %", 40, body),)))
    counted = [ahead.after(1, (7,), way).get(1, 0) for way in (Bound.FEWEST, Bound.EXPECTED, Bound.MOST)]
    assert counted == [0, 33, 33]
    ahead.foreseen[0] = (15, 20, 30)
    counted = [ahead.after(1, (7,), way).get(1, 0) for way in (Bound.FEWEST, Bound.EXPECTED, Bound.MOST)]
    assert counted == [8, 13, 23]


def test_repeat_with_a_bound_on_its_passes_in_the_condition_goes_no_farther() -> None:
    ahead = Ahead(program((HostRepeat("pass >= 12 or retention < 80 %", 40, (Segment(1, (rest(1),)),)),)))
    assert ahead.whole(Bound.MOST) == {1: 12.0, STARTS: 12.0}
    assert ahead.whole(Bound.FEWEST) == {1: 1.0, STARTS: 1.0}


def test_choice_by_a_measured_value_counts_the_shorter_and_the_longer_branch() -> None:
    choice = HostIf("efficiency < 90 %", (Segment(2, (rest(2, 50.0),)),), (Segment(3, (rest(3, 500.0),)),))
    ahead = Ahead(program((Segment(1, (rest(1),)), choice)))
    assert set(ahead.after(1, (), Bound.FEWEST)) == {STARTS, 2}
    assert set(ahead.after(1, (), Bound.MOST)) == {STARTS, 3}
