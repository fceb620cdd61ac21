"""The life table, entry by entry, and what holds of it as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.engine.machines.life import MANIFEST_STATE, MAY_ENERGISE, TRANSITIONS, Life, Phase
from labctl.errors import InvariantError

STATES = ("prepared", "starting", "running", "stopping", "ended")


@pytest.mark.parametrize("old", list(Phase))
@pytest.mark.parametrize("new", list(Phase))
def test_transition_is_taken_exactly_where_the_table_has_it(old: Phase, new: Phase) -> None:
    life = Life(old)
    if new is old:
        assert life.to(new) is None
    elif new in TRANSITIONS[old]:
        assert life.to(new) == (old, new)
        assert life.phase is new
    else:
        with pytest.raises(InvariantError, match="I16"):
            life.to(new)
        assert life.phase is old


def test_every_phase_is_in_the_table_and_has_a_word_in_the_manifest() -> None:
    assert set(TRANSITIONS) == set(Phase) == set(MANIFEST_STATE)
    assert set(MANIFEST_STATE.values()) == set(STATES)


def test_every_phase_is_reached_and_every_phase_can_end() -> None:
    reached = {Phase.PREPARED}
    while len(more := reached | {new for old in reached for new in TRANSITIONS[old]}) > len(reached):
        reached = more
    assert reached == set(Phase)
    ending = {Phase.ENDED}
    while len(more := ending | {old for old in Phase if TRANSITIONS[old] & ending}) > len(ending):
        ending = more
    assert ending == set(Phase)


def test_nothing_follows_the_end() -> None:
    assert TRANSITIONS[Phase.ENDED] == frozenset()


def test_stopping_never_leads_to_a_start() -> None:
    """I05, I20: behind a stop, a hold or the end there is no way back to an energised channel."""
    behind = {Phase.STOPPING, Phase.HELD, Phase.DRAINING}
    while len(more := behind | {new for old in behind for new in TRANSITIONS[old]}) > len(behind):
        behind = more
    assert not behind & MAY_ENERGISE
    assert Phase.RUNNING not in behind


def test_outage_alone_leads_to_no_start() -> None:
    """Section 3: never START by itself after a lost link; only an unknown start is settled."""
    assert Phase.STARTING not in TRANSITIONS[Phase.STALE]


@given(st.lists(st.sampled_from(list(Phase)), max_size=30))
def test_any_series_of_wishes_leaves_a_phase_of_the_table(wishes: list[Phase]) -> None:
    life = Life()
    for wish in wishes:
        before = life.phase
        try:
            life.to(wish)
        except InvariantError:
            assert life.phase is before
        else:
            assert wish is before or wish in TRANSITIONS[before]
