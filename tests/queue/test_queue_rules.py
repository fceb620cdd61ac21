"""The pure queue under arbitrary acts: what may never happen does not, whatever people, devices and time do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labctl.engine.machines.dispatch import ChannelView, JobFacts, World, decide
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.queue import TRANSITIONS, Kind, QueueState, act_refusal
from labctl.errors import InvariantError
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import (
    ACTIVE_STATES,
    OPEN_STATES,
    After,
    AfterWhen,
    Job,
    JobId,
    JobSpec,
    JobState,
    RetryPolicy,
)
from labctl.model.plain import to_plain

CHANNELS = tuple(ChannelId(f"neware:1-{number}") for number in range(1, 5))
CELLS = tuple(CellId(f"C{number}") for number in range(1, 7))
EPOCH_S = 1_767_225_600.0
LEGAL = {(old, new) for old, others in TRANSITIONS.items() for new in others} | {
    (state, state) for state in JobState
}


def a_job(number: int, cell: str = "C1", **fields: Any) -> Job:
    """Return a job that waits."""
    spec = JobSpec(CellId(cell), protocol="p", **fields)
    state = JobState.HELD if spec.hold else JobState.WAITING
    return Job(
        JobId(f"j-{number}"),
        spec,
        state,
        1,
        "P",
        "hash",
        "chen",
        "2026-01-01T00:00:00Z",
        channel=spec.channel,
    )


def submitted(*jobs: Job) -> dict[str, Any]:
    """Return the ledger line of a submission."""
    return {
        "kind": "submit",
        "texts": {"t": "text"},
        "jobs": [{"job": to_plain(job), "text": "t"} for job in jobs],
    }


def views(**cells: str) -> dict[ChannelId, ChannelView]:
    """Return four free channels; ``c1="C1"`` puts a cell into neware:1-1."""
    return {
        channel: ChannelView(channel, cell=CellId(cells[f"c{n}"]) if f"c{n}" in cells else None, ready=True)
        for n, channel in enumerate(CHANNELS, 1)
    }


class QueueMachine(RuleBasedStateMachine):
    """People, devices and time against the queue. Every line goes through a replica too, as after a restart."""

    def __init__(self) -> None:
        super().__init__()
        self.state = QueueState()
        self.lines: list[tuple[dict[str, Any], float]] = []
        self.now_s = 0.0
        self.count = 0
        self.starts: dict[str, int] = {}
        self.allowed: dict[str, int] = {}
        self.seen: dict[JobId, JobState] = {}
        self.views = {
            channel: ChannelView(channel, cell=cell, ready=True, chamber="oven" if index < 2 else "")
            for index, (channel, cell) in enumerate(zip(CHANNELS, CELLS, strict=False))
        }
        self.facts: dict[JobId, JobFacts] = {}

    def tell(self, line: dict[str, Any]) -> None:
        """Apply a line that has been through JSON, as every ledger line has."""
        line = json.loads(json.dumps(line))
        self.lines.append((line, self.now_s))
        self.state.apply(line, self.now_s)

    def world(self) -> World:
        return World(self.now_s, EPOCH_S + self.now_s, self.views, self.facts)

    # -- people -----------------------------------------------------------------------------------------------------

    @rule(data=st.data(), count=st.integers(1, 3), stagger_s=st.sampled_from([0.0, 60.0]))
    def submit(self, data: st.DataObject, count: int, stagger_s: float) -> None:
        made: list[Job] = []
        for _ in range(count):
            self.count += 1
            known = [*self.state.entries, *(job.job_id for job in made)]
            names = data.draw(st.lists(st.sampled_from(known), max_size=2, unique=True)) if known else []
            after = tuple(After(name, data.draw(st.sampled_from(list(AfterWhen)))) for name in names)
            cell = data.draw(st.sampled_from(CELLS))
            channel = data.draw(st.sampled_from([None, *CHANNELS]))
            retry = RetryPolicy(data.draw(st.integers(0, 2)), 100.0)
            job = a_job(
                self.count, cell, channel=channel, after=after, retry=retry, stagger_s=stagger_s,
                priority=data.draw(st.integers(-1, 1)), hold=data.draw(st.booleans()),
            )  # fmt: skip
            made.append(job)
            self.facts[job.job_id] = JobFacts(data.draw(st.sampled_from([None, 25.0, 60.0])))
            self.allowed[job.job_id] = 1
        self.tell(submitted(*made))

    @precondition(lambda self: self.state.entries)
    @rule(data=st.data(), kind=st.sampled_from(["hold", "release", "remove", "retry", "priority", "move"]))
    def act(self, data: st.DataObject, kind: str) -> None:
        job_id = data.draw(st.sampled_from(list(self.state.entries)))
        job = self.state.entries[job_id].job
        line: dict[str, Any] = {"kind": kind, "job": job_id, "by": "chen", "priority": 3, "before": None}
        if act_refusal(Kind(kind), job):
            return
        if kind == "move":
            line["before"] = data.draw(
                st.sampled_from([None, *(item for item in self.state.order if item != job_id)])
            )
        if kind == "retry":
            self.allowed[job_id] += 1
        self.tell(line)

    @rule(channel=st.sampled_from(CHANNELS))
    def release_lane(self, channel: ChannelId) -> None:
        self.tell({"kind": "lane release", "channel": channel})

    @rule(
        channel=st.sampled_from(CHANNELS), why=st.sampled_from(["", "the link is gone"]), ready=st.booleans()
    )
    def change_bench(self, channel: ChannelId, why: str, ready: bool) -> None:
        self.views[channel] = replace(self.views[channel], why=why, ready=ready)

    # -- time and devices -------------------------------------------------------------------------------------------

    @rule(later_s=st.sampled_from([0.0, 30.0, 1000.0]))
    def look(self, later_s: float) -> None:
        self.now_s += later_s
        decision = decide(self.state, self.world())
        waiting = set(self.state.ranked())
        started = {start.job_id for start in decision.starts}
        assert started | set(decision.waits) == waiting and not started & set(decision.waits)
        assert all(decision.waits.values())
        used = {entry.job.channel for entry in self.state.active()}
        cells = {entry.job.spec.cell_id for entry in self.state.active()}
        for start in decision.starts:
            job = self.state.entries[start.job_id].job
            assert start.channel not in used and job.spec.cell_id not in cells
            assert job.state is JobState.WAITING and start.channel not in self.state.lanes
            assert not self.views[start.channel].why
            assert job.spec.channel in (None, start.channel)
            used.add(start.channel)
            cells.add(job.spec.cell_id)
            self.starts[start.job_id] = self.starts.get(start.job_id, 0) + 1
            self.tell({"kind": "start", "job": start.job_id, "channel": start.channel, "utc": "2026-01-01"})
        self._one_temperature()
        assert decide(self.state, self.world()).starts == []

    def _one_temperature(self) -> None:
        inside = [entry.job.job_id for entry in self.state.active() if entry.job.channel in CHANNELS[:2]]
        wanted = {self.facts[job_id].setpoint_degC for job_id in inside} - {None}
        assert len(wanted) <= 1

    @precondition(lambda self: any(entry.job.state is JobState.STARTING for entry in self.state.active()))
    @rule(data=st.data(), fate=st.sampled_from(["started", "not started", "refused"]))
    def settle_start(self, data: st.DataObject, fate: str) -> None:
        starting = [entry.job for entry in self.state.active() if entry.job.state is JobState.STARTING]
        job = data.draw(st.sampled_from(starting))
        if job.run_id is not None:
            return
        if fate == "started":
            self.tell({"kind": "started", "job": job.job_id, "run": f"r-{job.job_id}-{len(job.runs)}"})
            return
        if fate == "not started" or self.state.entries[job.job_id].tries <= job.spec.retry.times:
            self.allowed[job.job_id] += 1
        self.tell({"kind": fate, "job": job.job_id, "reason": "no", "pause_s": 60.0})

    @precondition(lambda self: any(entry.job.run_id for entry in self.state.active()))
    @rule(
        data=st.data(),
        outcome=st.sampled_from([*Outcome, None]),
        phase=st.sampled_from(["running", "paused"]),
    )
    def run_goes_on_or_ends(self, data: st.DataObject, outcome: Outcome | None, phase: str) -> None:
        job = data.draw(st.sampled_from([entry.job for entry in self.state.active() if entry.job.run_id]))
        if outcome is None:
            self.tell({"kind": "phase", "job": job.job_id, "run": job.run_id, "state": phase})
            return
        unsent = outcome is Outcome.FAILED and job.state is JobState.STARTING
        if unsent and self.state.entries[job.job_id].tries <= job.spec.retry.times:
            self.allowed[job.job_id] += 1
        self.tell(
            {"kind": "ended", "job": job.job_id, "run": job.run_id, "outcome": outcome.value, "reason": "r"}
        )

    # -- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def a_channel_and_a_cell_have_one_job_at_a_time(self) -> None:
        active = [entry.job for entry in self.state.active()]
        assert len({job.channel for job in active}) == len(active)
        assert len({job.spec.cell_id for job in active}) == len(active)

    @invariant()
    def nothing_is_started_oftener_than_somebody_allowed(self) -> None:
        assert all(self.starts.get(job_id, 0) <= count for job_id, count in self.allowed.items())

    @invariant()
    def jobs_move_along_the_table_only(self) -> None:
        for job_id, entry in self.state.entries.items():
            old = self.seen.get(job_id)
            assert old is None or (old, entry.job.state) in LEGAL
            self.seen[job_id] = entry.job.state

    @invariant()
    def open_jobs_and_only_they_have_a_place(self) -> None:
        opened = {job_id for job_id, entry in self.state.entries.items() if entry.job.state in OPEN_STATES}
        assert opened == set(self.state.order) and len(opened) == len(self.state.order)
        waiting = {job_id for job_id in opened if self.state.entries[job_id].job.state not in ACTIVE_STATES}
        assert set(self.state.ranked()) == waiting

    def teardown(self) -> None:
        again = QueueState()
        for line, at_s in self.lines:
            again.apply(line, at_s)
        assert again.entries == self.state.entries and again.order == self.state.order
        assert again.lanes == self.state.lanes and again.ranked() == self.state.ranked()
        restored = QueueState()
        restored.apply(json.loads(json.dumps(self.state.snapshot(self.now_s))), self.now_s)
        assert restored.entries == self.state.entries and restored.order == self.state.order
        assert restored.runs == self.state.runs and restored.last_number == self.state.last_number


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_job_that_another_one_needs_goes_first_whatever_their_priorities() -> None:
    state = QueueState()
    state.apply(submitted(a_job(1), a_job(2, "C2"), a_job(3, priority=9, after=(After("j-1"),))), 0.0)
    assert state.ranked() == ("j-1", "j-3", "j-2")
    decision = decide(state, World(0.0, EPOCH_S, views(c1="C1", c2="C2")))
    assert [start.job_id for start in decision.starts] == ["j-1", "j-2"]


@settings(deadline=None)
@given(st.permutations(range(1, 9)), st.integers(0, 7))
def test_nobody_waits_in_a_circle(order: list[int], links: int) -> None:
    """Goal: with any priorities and chains the first ranked job is never behind another one."""
    state = QueueState()
    jobs = []
    for number in range(1, 9):
        after = (After(f"j-{number - 1}"),) if number > 1 and number <= links else ()
        jobs.append(a_job(number, priority=order[number - 1], after=after))
    state.apply(submitted(*jobs), 0.0)
    ranked = state.ranked()
    assert sorted(ranked) == sorted(job.job_id for job in jobs)
    for job in jobs:
        assert all(ranked.index(JobId(item.job)) < ranked.index(job.job_id) for item in job.spec.after)
    assert len(decide(state, World(0.0, EPOCH_S, views(c1="C1"))).starts) == 1


def test_job_that_waits_for_a_temperature_has_the_chamber_next() -> None:
    bench = {key: replace(view, chamber="oven") for key, view in views(c1="C1", c2="C2", c3="C3").items()}
    state = QueueState()
    state.apply(submitted(a_job(1), a_job(2, "C2"), a_job(3, "C3")), 0.0)
    facts = {JobId("j-1"): JobFacts(25.0), JobId("j-2"): JobFacts(60.0), JobId("j-3"): JobFacts(25.0)}
    decision = decide(state, World(0.0, EPOCH_S, bench, facts))
    assert [start.job_id for start in decision.starts] == ["j-1"]
    assert decision.waits == {
        "j-2": "oven is at 25 degC for C1, not at 60 degC",
        "j-3": "oven goes to 60 degC next, for j-2 (P of C2)",
    }


def test_job_that_passes_over_its_temperature_shares_any_chamber() -> None:
    bench = {key: replace(view, chamber="oven") for key, view in views(c1="C1", c2="C2").items()}
    state = QueueState()
    state.apply(submitted(a_job(1), a_job(2, "C2", overrides={"temperature": "at whatever it is"})), 0.0)
    facts = {JobId("j-1"): JobFacts(25.0), JobId("j-2"): JobFacts(60.0)}
    assert len(decide(state, World(0.0, EPOCH_S, bench, facts)).starts) == 2


def test_lane_with_another_cell_lets_the_job_pass_whose_cell_is_there() -> None:
    state = QueueState()
    state.apply(submitted(a_job(1, "C1", channel=CHANNELS[0]), a_job(2, "C2", channel=CHANNELS[0])), 0.0)
    decision = decide(state, World(0.0, EPOCH_S, views(c1="C2")))
    assert [start.job_id for start in decision.starts] == ["j-2"]
    assert decision.waits == {"j-1": "neware:1-1 holds cell C2: load C1 there"}


def test_start_that_is_not_waiting_for_one_is_refused() -> None:
    state = QueueState()
    state.apply(submitted(a_job(1, hold=True)), 0.0)
    with pytest.raises(InvariantError, match="I09: job j-1 cannot go from held to starting"):
        state.apply({"kind": "start", "job": "j-1", "channel": CHANNELS[0]}, 0.0)
    with pytest.raises(InvariantError, match="submitted twice"):
        state.apply(submitted(a_job(1)), 0.0)


def test_moment_to_look_again_is_the_earliest_of_all() -> None:
    state = QueueState()
    late = a_job(1, not_before_utc="2026-01-01T01:00:00+00:00")
    state.apply(submitted(late, a_job(2, "C2", not_before_utc="2026-01-01T00:30:00+00:00")), 0.0)
    decision = decide(state, World(100.0, EPOCH_S + 100.0, views(c1="C1", c2="C2")))
    assert decision.next_s == 1800.0 and not decision.starts
