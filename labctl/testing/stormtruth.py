"""Compares a data root with what its bench says really happened: rows, commands, jobs, journals.

The bench's admin link is the witness; it has seen every command that arrived and knows every record that its testers
wrote. Nothing of the driver or of the engine is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.job import Job
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.testing.sim import RunningBench

TRUE_NAME = {"voltage_volt": "volt_V", "current_ampere": "curr_A"}
EXACT = {"voltage_volt": 1e-13, "current_ampere": 1e-16}
"""How far a stored value may be from the tester's own: the wire carries fifteen digits."""


@dataclass(slots=True)
class Verdict:
    """What was compared and what did not fit; ``problems`` are sentences."""

    runs: int = 0
    tests: int = 0
    rows: int = 0
    starts: int = 0
    gaps: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Tell whether store and bench agree, and anything was compared at all."""
        return not self.problems and self.rows > 0

    def report(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "runs": self.runs, "tests": self.tests, "rows": self.rows, "starts": self.starts, "gaps": self.gaps,
            "outcomes": dict(self.outcomes), "problems": self.problems,
        }  # fmt: skip


def judge(data: Path, bench: RunningBench, jobs: Sequence[Job]) -> Verdict:
    """Return whether every row and every command of a data root is what the bench knows of."""
    verdict = Verdict()
    root = DataRoot(data, create=False)
    readers = [RunReader(folder) for folder in root.run_folders()]
    known: dict[tuple[str, int], str] = {}
    for reader in readers:
        verdict.runs += 1
        verdict.outcomes[str(reader.manifest.get("outcome") or reader.manifest.get("state"))] += 1
        verdict.problems += [f"{reader.folder.name}: {finding}" for finding in reader.verify()]
        for number in range(len(reader.manifest["segments"])):
            _judge_test(verdict, bench, reader, number, known)
    for channel in sorted({str(reader.manifest["channel"]) for reader in readers}):
        _judge_commands(verdict, bench, channel, known)
    _judge_jobs(verdict, readers, jobs)
    return verdict


def _judge_test(
    verdict: Verdict, bench: RunningBench, reader: RunReader, number: int, known: dict[tuple[str, int], str]
) -> None:
    """Compare the rows of one device test with the tester's own."""
    segments, channel, name = reader.manifest["segments"], str(reader.manifest["channel"]), reader.folder.name
    entry = segments[number]
    test_id = int(entry["test_id"])
    if (channel, test_id) in known:
        verdict.problems.append(
            f"{name}: test {test_id} of {channel} belongs to {known[channel, test_id]} as well"
        )
    known[channel, test_id] = name
    first = int(entry["sequence_offset"]) + 1
    last = int(segments[number + 1]["sequence_offset"]) if number + 1 < len(segments) else None
    stored = reader.records(["sequence", "device_sequence", *EXACT], first, last)
    truth = _truth(bench, channel, test_id)
    verdict.tests += 1
    verdict.rows += len(stored)
    sequences = stored["device_sequence"]
    if len(np.unique(sequences)) != len(sequences):
        verdict.problems.append(f"{name}: rows of test {test_id} are there twice")
        return
    if list(stored["sequence"]) != list(range(first, first + len(stored))):
        verdict.problems.append(f"{name}: the sequence of the run has a hole or goes back in test {test_id}")
    lost = sorted(set(range(1, truth.count + 1)) - set(sequences.tolist()))
    gaps = sum(1 for event in reader.events() if event.get("kind") == "gap")
    verdict.gaps += gaps
    ends_early = reader.manifest.get("end_sequence") is not None and number == len(segments) - 1
    if lost and not gaps and not ends_early:
        verdict.problems.append(
            f"{name}: {len(lost)} of {truth.count} rows of test {test_id} are missing, unmarked"
        )
    if len(sequences) and int(sequences.max()) > truth.count:
        verdict.problems.append(f"{name}: test {test_id} has rows that the tester never wrote")
        return
    for column, tolerance in EXACT.items():
        off = np.abs(stored[column] - truth.columns[column][sequences - 1]) if len(sequences) else np.zeros(0)
        if len(off) and float(off.max()) > tolerance:
            verdict.problems.append(f"{name}: {column} of test {test_id} differs by {float(off.max()):g}")


@dataclass(frozen=True, slots=True)
class _Truth:
    count: int
    columns: dict[str, NDArray[np.float64]]


def _truth(bench: RunningBench, channel: str, test_id: int) -> _Truth:
    """Fetch a test's records from the bench, page by page."""
    parts: dict[str, list[float]] = {name: [] for name in EXACT}
    while True:
        after = len(parts["voltage_volt"])
        reply = bench.admin("truth", slot=channel, testid=test_id, after_sequence=after)
        page = reply["records"]
        if not page or not page["volt_V"]:
            return _Truth(int(reply["count"]), {name: np.asarray(values) for name, values in parts.items()})
        for name, values in parts.items():
            values.extend(page[TRUE_NAME[name]])


def _judge_commands(
    verdict: Verdict, bench: RunningBench, channel: str, known: dict[tuple[str, int], str]
) -> None:
    """See that no energising command came twice and that each test belongs to a run."""
    truth = bench.admin("truth", slot=channel)
    starts = [entry for entry in truth["commands"] if entry["command"] == "start"]
    verdict.starts += len(starts)
    twice = [mark for mark, count in Counter(entry["barcode"] for entry in starts).items() if count > 1]
    verdict.problems += [f"{channel}: the start of {mark} was sent more than once" for mark in twice]
    for test_id, mark in truth["tests"].items():
        if int(test_id) and mark and (channel, int(test_id)) not in known:
            verdict.problems.append(f"{channel}: test {test_id} ({mark}) was started and no run knows it")


def _judge_jobs(verdict: Verdict, readers: Sequence[RunReader], jobs: Sequence[Job]) -> None:
    """See that each run belongs to a job, and that no job was run twice by itself."""
    by_job = Counter(str((reader.manifest.get("marks") or {}).get("job_id")) for reader in readers)
    listed = {str(job.job_id): job for job in jobs}
    for job_id, count in by_job.items():
        if job_id not in listed:
            verdict.problems.append(f"a run names job {job_id}, which the queue does not know")
        elif count > 1:
            verdict.problems.append(f"job {job_id} has {count} runs")
