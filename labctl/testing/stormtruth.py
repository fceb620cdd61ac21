"""Compares a data root with what its bench says really happened: rows, commands, power cuts, jobs, journals.

The bench's admin link is the witness; it has seen every command that arrived and knows every record that its testers
wrote. Nothing of the driver or of the engine is asked. The rules themselves (``row_problems`` and its neighbours) are
pure, so that tests can plant what must be found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labctl.model.job import Job, JobState
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.verify import verify_station

TRUE_NAME = {"voltage_volt": "volt_V", "current_ampere": "curr_A"}
EXACT = {"voltage_volt": 1e-13, "current_ampere": 1e-16}
"""How far a stored value may be from the tester's own: the wire carries fifteen digits."""
AT_WORK = ("working", "pause")
AFTER_A_CUT = ("held", "stopped", "tripped")
"""Outcomes of a run whose test a power cut has ended: nobody sends more, or a stop was on its way already."""
WANTED = ("start",)
"""Energising commands that a storm gives; the bench writes down no others, stops neither."""
NO_ROWS_BEHIND = 10**9


class Witness(Protocol):
    """The admin link of a bench."""

    def admin(self, do: str, **fields: object) -> dict[str, Any]:
        """Send one request and return the reply."""


@dataclass(frozen=True, slots=True)
class TrueTest:
    """What a tester wrote of one test."""

    count: int
    columns: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class StoredTest:
    """What a run has of one device test; ``gaps`` are the run's sequences right behind rows that it marks as lost."""

    run: str
    channel: str
    test_id: int
    first: int
    sequence: NDArray[np.int64]
    device_sequence: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]
    gaps: frozenset[int] = frozenset()
    backfilled: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """How a channel stood at one moment: status word, test, rows of it."""

    status: str
    test_id: int
    count: int


@dataclass(frozen=True, slots=True)
class PowerCut:
    """How each channel stood right before the bench was killed, and when it had come back."""

    before: Mapping[str, Seen]
    after: Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class Silence:
    """How each channel stood when no station had followed it any more, and a moment later, still without one."""

    begin: Mapping[str, Seen]
    end: Mapping[str, Seen]


@dataclass(slots=True)
class Verdict:
    """What was compared and what did not fit; ``problems`` are sentences.

    ``rows_alone`` were measured while surely no station ran: each must be among the ``rows_backfilled``.
    """

    runs: int = 0
    tests: int = 0
    rows: int = 0
    rows_backfilled: int = 0
    rows_alone: int = 0
    starts: int = 0
    gaps: int = 0
    tests_cut: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Tell whether store and bench agree, and anything was compared at all."""
        return not self.problems and self.rows > 0

    def report(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "runs": self.runs, "tests": self.tests, "rows": self.rows, "rows_backfilled": self.rows_backfilled,
            "rows_alone": self.rows_alone, "starts": self.starts, "gaps": self.gaps, "tests_cut": self.tests_cut,
            "outcomes": dict(self.outcomes), "jobs": dict(self.jobs), "problems": self.problems,
        }  # fmt: skip


# -- the rules ------------------------------------------------------------------------------------------------------


def row_problems(stored: StoredTest, truth: TrueTest) -> list[str]:
    """Say where the rows of a test are not exactly those of the tester: lost, doubled, invented, other values."""
    where, device = f"{stored.run}: test {stored.test_id}", stored.device_sequence
    found: list[str] = []
    if len(np.unique(device)) != len(device):
        found.append(f"{where} has rows twice")
    if not np.array_equal(stored.sequence, np.arange(stored.first, stored.first + len(device))):
        found.append(f"{where}: the sequence of the run has a hole or goes back")
    beyond = device[(device < 1) | (device > truth.count)]
    if len(beyond):
        found.append(f"{where} has {len(beyond)} rows that the tester never wrote")
    have = np.concatenate(([0], device, [truth.count + 1]))
    run_rows = np.concatenate((stored.sequence, [stored.first + len(device)]))
    for place in np.flatnonzero(np.diff(have) > 1):
        if int(run_rows[place]) not in stored.gaps:
            lost = f"{have[place] + 1} to {have[place + 1] - 1}"
            found.append(f"{where}: rows {lost} of {truth.count} are missing, and no gap says so")
    for column, tolerance in EXACT.items():
        known = (device >= 1) & (device <= truth.count)
        off = np.abs(stored.columns[column][known] - truth.columns[column][device[known] - 1])
        if len(off) and not float(off.max()) <= tolerance:
            found.append(f"{where}: {column} differs by {float(off.max()):g}")
    return found


def alone(stored: StoredTest, silence: Silence) -> NDArray[np.bool_]:
    """Tell of each row of a test whether the tester wrote it during a silence."""
    begin, end = silence.begin[stored.channel], silence.end[stored.channel]
    if end.test_id != stored.test_id:
        return np.zeros(len(stored.device_sequence), dtype=bool)
    already = begin.count if begin.test_id == end.test_id else 0
    return (stored.device_sequence > already) & (stored.device_sequence <= end.count)


def mark_problems(stored: StoredTest, silences: Sequence[Silence]) -> list[str]:
    """Say which rows of a time without a station are not marked as back-filled."""
    if stored.backfilled is None:
        return []
    found = []
    for silence in silences:
        unmarked = stored.device_sequence[alone(stored, silence) & ~stored.backfilled]
        if len(unmarked):
            text = (
                f"rows {unmarked.min()} to {unmarked.max()} came while no station ran, and are not marked so"
            )
            found.append(f"{stored.run}: test {stored.test_id}: {text}")
    return found


def command_problems(
    channel: str, commands: Sequence[Mapping[str, Any]], tests: Mapping[str, str], known: Mapping[int, str]
) -> list[str]:
    """Say which energising command was repeated, or belongs to no run.

    ``commands`` and ``tests`` (id to mark) are the bench's; ``known`` names the run of each test that is stored.
    """
    found: list[str] = []
    starts = [entry for entry in commands if entry["command"] == "start"]
    marks = Counter(str(entry["barcode"]) for entry in starts)
    found += [f"{channel}: the start of {mark} was sent {n} times" for mark, n in marks.items() if n > 1]
    for entry in commands:
        if entry["command"] not in WANTED:
            found.append(f"{channel}: nobody asked for {entry['command']!r} of test {entry['testid']}")
    for test_id, mark in tests.items():
        run = known.get(int(test_id))
        if mark and run is None:
            found.append(f"{channel}: test {test_id} ({mark}) was started and no run knows it")
        elif run is not None and mark.rpartition(".")[0] != run:
            found.append(f"{channel}: test {test_id} bears the mark {mark!r} and is stored in {run}")
    return found


def cut_problems(
    cut: PowerCut, known: Mapping[tuple[str, int], str], outcomes: Mapping[str, str]
) -> list[str]:
    """Say where a killed bench did not come back as an instrument that lost power, and a run as one of those."""
    found: list[str] = []
    for channel, after in cut.after.items():
        before = cut.before[channel]
        where = f"{channel}: test {after.test_id} after the power cut"
        if after.status in AT_WORK:
            found.append(f"{where} goes on ({after.status})")
        if after.test_id < before.test_id or (after.test_id == before.test_id and after.count < before.count):
            found.append(
                f"{where}: {before.count} rows of test {before.test_id} were there, now {after.count}"
            )
        run = known.get((channel, after.test_id), "")
        if was_cut(before, after) and outcomes.get(run) not in AFTER_A_CUT:
            found.append(f"{where} stands still, and its run {run} is {outcomes.get(run)}")
    return found


def was_cut(before: Seen, after: Seen) -> bool:
    """Tell whether it is this power cut that a test did not survive."""
    return after.test_id == before.test_id and before.status in AT_WORK and after.status == "stop"


def job_problems(jobs: Sequence[Job], runs: Mapping[str, tuple[str, str, str]]) -> list[str]:
    """Say which job was run twice or not at all, or tells of its run what is not so.

    ``runs`` has job id, state and outcome of each run by its id.
    """
    found: list[str] = []
    listed = {str(job.job_id): job for job in jobs}
    counts = Counter(job_id for job_id, _, _ in runs.values())
    for job_id, count in counts.items():
        if job_id not in listed:
            found.append(f"a run names job {job_id}, which the queue does not know")
        elif count > 1:
            found.append(f"job {job_id} has {count} runs")
    for job_id, job in listed.items():
        run = runs.get(str(job.run_id))
        if job.run_id is not None and run is None:
            found.append(f"job {job_id} names run {job.run_id}, which is not there")
        if job.state is JobState.ENDED and (run is None or run[2] not in ("finished", "stopped")):
            found.append(f"job {job_id} has ended, its run {job.run_id} is {run[2] if run else 'nowhere'}")
        if job.state is JobState.FAILED and run is not None and run[2] in ("finished", "stopped"):
            found.append(f"job {job_id} failed ({job.reason}), its run {job.run_id} is {run[2]}")
        if run is not None and run[0] != job_id:
            found.append(f"job {job_id} names run {job.run_id}, which is of job {run[0]}")
    found += [f"run {name} is {state}" for name, (_, state, _) in runs.items() if state != "ended"]
    return found


# -- store and bench ------------------------------------------------------------------------------------------------


def judge(
    root: DataRoot,
    bench: Witness,
    jobs: Sequence[Job],
    cuts: Sequence[PowerCut] = (),
    silences: Sequence[Silence] = (),
) -> Verdict:
    """Return whether every row and every command of a data root is what the bench knows of."""
    verdict = Verdict(jobs=Counter(job.state.value for job in jobs))
    known: dict[tuple[str, int], str] = {}
    runs: dict[str, tuple[str, str, str]] = {}
    channels: set[str] = set()
    for folder in root.run_folders():
        reader = RunReader(folder, disk=root.disk)
        manifest = reader.manifest
        outcome, state = str(manifest.get("outcome") or ""), str(manifest.get("state"))
        job_id = str((manifest.get("marks") or {}).get("job_id"))
        runs[folder.name] = (job_id, state, outcome)
        channels.add(str(manifest["channel"]))
        verdict.runs += 1
        verdict.outcomes[outcome or state] += 1
        verdict.problems += [f"{folder.name}: {finding}" for finding in reader.verify()]
        for stored in stored_tests(reader):
            _judge_test(verdict, bench, stored, known)
            verdict.problems += mark_problems(stored, silences)
            verdict.rows_alone += sum(int(alone(stored, silence).sum()) for silence in silences)
    for channel in sorted(channels):
        _judge_channel(verdict, bench, channel, known)
    outcomes = {name: outcome for name, (_, _, outcome) in runs.items()}
    for cut in cuts:
        verdict.problems += cut_problems(cut, known, outcomes)
        verdict.tests_cut += sum(was_cut(cut.before[name], after) for name, after in cut.after.items())
    verdict.problems += job_problems(jobs, runs)
    verdict.problems += [f"station: {finding}" for finding in verify_station(root.disk, root.path)]
    return verdict


def stored_tests(reader: RunReader) -> list[StoredTest]:
    """Return what a run has of each of its device tests, with the rows behind the one that ended it."""
    segments, channel = reader.manifest["segments"], str(reader.manifest["channel"])
    wanted = ["sequence", "device_sequence", *EXACT]
    rows, tail = reader.records(wanted), reader.tail()
    columns = {name: np.concatenate((rows[name], tail[name])) for name in wanted}
    gaps = frozenset(int(event["sequence"]) for event in reader.events() if event.get("kind") == "gap")
    last = int(columns["sequence"].max(initial=0))
    backfilled = reader.backfilled(1, last)[columns["sequence"] - 1]
    bounds = [int(entry["sequence_offset"]) + 1 for entry in segments]
    found = []
    for number, entry in enumerate(segments):
        mine = columns["sequence"] >= bounds[number]
        if number + 1 < len(segments):
            mine &= columns["sequence"] < bounds[number + 1]
        part = {name: values[mine] for name, values in columns.items()}
        found.append(
            StoredTest(
                reader.folder.name, channel, int(entry["test_id"]), bounds[number],
                part["sequence"], part["device_sequence"], {name: part[name] for name in EXACT}, gaps,
                backfilled[mine],
            )
        )  # fmt: skip
    return found


def seen(bench: Witness, channels: Collection[str]) -> dict[str, Seen]:
    """Return how channels stand by the bench itself."""
    found = {}
    for channel in channels:
        reply = bench.admin("truth", slot=channel, after_sequence=NO_ROWS_BEHIND)
        found[channel] = Seen(str(reply["status"]), int(reply["testid"]), int(reply["count"]))
    return found


def _judge_test(
    verdict: Verdict, bench: Witness, stored: StoredTest, known: dict[tuple[str, int], str]
) -> None:
    key = stored.channel, stored.test_id
    if key in known:
        verdict.problems.append(
            f"{stored.run}: test {stored.test_id} of {stored.channel} is {known[key]}'s too"
        )
    known[key] = stored.run
    verdict.tests += 1
    verdict.rows += len(stored.sequence)
    verdict.rows_backfilled += 0 if stored.backfilled is None else int(stored.backfilled.sum())
    verdict.gaps += int(np.isin(stored.sequence, sorted(stored.gaps)).sum())
    verdict.problems += row_problems(stored, true_test(bench, stored.channel, stored.test_id))


def true_test(bench: Witness, channel: str, test_id: int) -> TrueTest:
    """Fetch a test's records from the bench, page by page."""
    parts: dict[str, list[float]] = {name: [] for name in EXACT}
    while True:
        after = len(parts["voltage_volt"])
        reply = bench.admin("truth", slot=channel, testid=test_id, after_sequence=after)
        page = reply["records"]
        if not page or not page["volt_V"]:
            columns = {name: np.asarray(values, dtype=np.float64) for name, values in parts.items()}
            return TrueTest(int(reply["count"]), columns)
        for name, values in parts.items():
            values.extend(page[TRUE_NAME[name]])


def _judge_channel(
    verdict: Verdict, bench: Witness, channel: str, known: Mapping[tuple[str, int], str]
) -> None:
    truth = bench.admin("truth", slot=channel, after_sequence=NO_ROWS_BEHIND)
    here = {test_id: run for (place, test_id), run in known.items() if place == channel}
    verdict.starts += sum(entry["command"] == "start" for entry in truth["commands"])
    if truth["status"] in AT_WORK:
        verdict.problems.append(f"{channel} still works ({truth['status']})")
    tests = {key: mark for key, mark in truth["tests"].items() if int(key)}
    verdict.problems += command_problems(channel, truth["commands"], tests, here)
