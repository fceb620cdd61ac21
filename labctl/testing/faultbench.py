"""The deterministic fault tier: ``python -m labctl.testing.faultbench --seeds 1-60``.

Plays seeded stories on the real engine, drivers and store, with the invariants checked after each event, and prints
channel-hours, faults by kind and every violation with the seed that replays it. Exit code 1 where there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from labctl.model.plain import to_plain
from labctl.testing.faultacts import Injector
from labctl.testing.faultstory import Story, make_story
from labctl.testing.faultworld import World
from labctl.testing.invariants import Checker, Known, Listener
from labctl.testing.invariants_events import LegalLives, NoSilentFail, OwnAsserts
from labctl.testing.invariants_rows import (
    Audit,
    BitRot,
    FrozenProgram,
    NoDuplicates,
    NoInvention,
    NoLoss,
    Order,
)
from labctl.testing.invariants_station import AlarmLives, BoundedFeed, OneOwner, StopDominates, Tape
from labctl.testing.invariants_wire import (
    Bounded,
    LimitsHold,
    MonotonicTime,
    NoBlindRetry,
    Recovers,
    RightCell,
    SafeOnSilence,
    StateAgrees,
)
from labctl.testing.simstation import ROOT, StationLives, play

CHECKERS: tuple[type[Checker], ...] = (
    NoLoss, NoDuplicates, Order, NoInvention, LimitsHold, SafeOnSilence, RightCell, NoBlindRetry, StateAgrees,
    FrozenProgram, MonotonicTime, Bounded, NoSilentFail, LegalLives, Audit, Recovers, OwnAsserts, OneOwner,
    AlarmLives, BoundedFeed, StopDominates, Tape, BitRot,
)  # fmt: skip


REGRESSIONS = (2, 52, 214, 218, 219, 244, 263, 269, 273, 275, 277, 291, 350)
"""Seeds that have shown something once, played first in the gate: stop all on a full disk and a kill behind it (2),
stops without a readable answer (214), notes that stayed in memory (218), decisions out of sight (277), a swapped cell
after an outage (273), a look before a start (263), journals full of nonsense (275), a restart between stop all and its
stops (350); the others corrected the checkers."""
GATE_SEEDS = (*REGRESSIONS, *(seed for seed in range(1, 200) if seed not in REGRESSIONS))
GATE_CHANNEL_HOURS = 2000.0
GATE_FAULTS = 500
GATE_KINDS = frozenset(
    f"F{number:02}" for number in (*range(1, 17), 18, 19, *range(21, 25), *range(27, 31), 32, *range(41, 45))
)
"""Kinds of faults of which the gate must put in, and see meet something, at least one."""
PAIR_EVERY = 12
"""Every so many seeds the story is played twice, with and without clients (I19)."""


@dataclass(slots=True)
class Report:
    """What one story, or many, showed."""

    seeds: list[int] = field(default_factory=list)
    channel_hours: float = 0.0
    lives: int = 0
    rows: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str, str]] = field(default_factory=list)
    tape: dict[str, str] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        """Take in another report."""
        self.seeds += other.seeds
        self.channel_hours += other.channel_hours
        self.lives += other.lives
        self.rows += other.rows
        self.faults += other.faults
        self.met += other.met
        self.checks += other.checks
        self.violations += other.violations


@contextlib.contextmanager
def _without_logging() -> Iterator[None]:
    """Log nothing: what a story injects is no news, and what it finds is in the report."""
    kept = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(kept)


def play_seed(seed: int, *, stop_at_first: bool = False) -> Report:
    """Play one story and judge it, with ``stop_at_first`` no longer than until something is broken."""
    story = make_story(seed)
    with _without_logging(), tempfile.TemporaryDirectory(prefix="labctl-faults-") as folder:
        report = played(story, Path(folder), stop_at_first=stop_at_first)
        if seed % PAIR_EVERY == 0 and not (stop_at_first and report.violations):
            _compare_clients(story, report.tape, report.violations)
    report.tape = {}
    return report


def played(story: Story, folder: Path, *, stop_at_first: bool = False) -> Report:
    """Play a story in a folder and judge it; ``tape`` holds what wires and record saw."""
    world = World(story.bench, seed=story.seed)
    world.ends_at_first = stop_at_first
    known = Known(world, story, ROOT)
    checkers = [checker(known) for checker in CHECKERS]
    world.watchers = [Listener(known), *checkers]
    lives = StationLives(world, story, folder)
    _introduce(lives, checkers)
    injector = Injector(world, lives)
    for planned in story.faults:
        world.at(planned.at_s, lambda planned=planned: injector.do(planned))  # type: ignore[misc]  # a default binds the loop's value
    play(world, story, lives)
    for checker in () if world.broken else checkers:
        checker.at_end()
    report = Report([story.seed], lives=world.life)
    hours = sum(run.last_row_s - run.phases[0][0] for run in known.runs.values() if run.acked) / 3600.0
    report.channel_hours = hours
    report.rows = sum(len(block) for run in known.runs.values() for block in run.acked)
    report.faults = Counter(fault.fid for fault in world.faults)
    report.met = Counter(fault.fid for fault in world.faults if fault.met)
    report.checks = Counter({checker.id: checker.checked for checker in checkers})
    report.tape = next(checker.summary() for checker in checkers if isinstance(checker, Tape))
    report.violations = [(story.seed, invariant, text) for invariant, text in world.violations]
    return report


def _introduce(lives: StationLives, checkers: Sequence[Checker]) -> None:
    """Tell the checkers what persons do."""
    for checker in checkers:
        if isinstance(checker, LimitsHold):
            lives.on_reset = checker.reset
        elif isinstance(checker, OneOwner):
            lives.owner, checker.folder = checker, lives.locks
        elif isinstance(checker, StopDominates):
            lives.button = checker
        elif isinstance(checker, AlarmLives):
            lives.on_acknowledge = checker.acknowledged


def _compare_clients(story: Story, tape: Mapping[str, str], violations: list[tuple[int, str, str]]) -> None:
    """Play the story once more with other clients: the wires and the rows must be the same (I19)."""
    with tempfile.TemporaryDirectory(prefix="labctl-faults-") as folder:
        other = played(replace(story, clients=0 if story.clients else 5), Path(folder))
    differ = sorted(name for name in {*tape, *other.tape} if tape.get(name) != other.tape.get(name))
    if differ:
        text = f"with {story.clients} clients and without them differ: {', '.join(differ)}"
        violations.append((story.seed, "I19", text))


def seeds_of(text: str) -> list[int]:
    """Read ``1-20,33``. Raises: ValueError."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def play_many(
    seeds: Iterable[int],
    *,
    channel_hours: float = math.inf,
    workers: int = 1,
    each: Callable[[Report], bool] | None = None,
    stop_at_first: bool = False,
) -> Report:
    """Play stories until the channel-hours are lived or ``each`` says that it is enough; ``workers`` share them.

    Reports come in the order of the seeds, whoever is first.
    """
    total, one = Report(), partial(play_seed, stop_at_first=stop_at_first)
    with ProcessPoolExecutor(workers) if workers > 1 else contextlib.nullcontext() as pool:
        queue, source = deque[tuple[int, Future[Report] | None]](), iter(seeds)
        while True:
            while len(queue) < 2 * workers and (seed := next(source, None)) is not None:
                queue.append((seed, None if pool is None else pool.submit(one, seed)))
            if not queue:
                return total
            seed, future = queue.popleft()
            report = one(seed) if future is None else future.result()
            total.add(report)
            enough = stop_at_first and bool(report.violations)
            if (each is not None and each(report)) or enough or total.channel_hours >= channel_hours:
                if pool is not None:
                    pool.shutdown(cancel_futures=True)
                return total


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def replay_of(seed: int) -> str:
    """Return the command that plays a story again."""
    return f"python -m labctl.testing.faultbench --seeds {seed} --verbose"


def tell(report: Report) -> None:
    """Print a report, and for each seed that broke something the command that replays it."""
    _say(
        f"{report.channel_hours:.0f} channel-hours, {report.lives} processes, {report.rows} rows, "
        f"{sum(report.faults.values())} faults, {len(report.violations)} violations"
    )
    kinds = sorted(report.faults.items())
    _say("faults (met something): " + ", ".join(f"{fid} {count} ({report.met[fid]})" for fid, count in kinds))
    _say("checks: " + ", ".join(f"{name} {count}" for name, count in sorted(report.checks.items())))
    for seed, invariant, text in report.violations[:40]:
        _say(f"seed {seed}: {invariant}: {text}")
    for seed in dict.fromkeys(seed for seed, _, _ in report.violations):
        _say(f"replay: {replay_of(seed)}")


def gate_gaps(report: Report) -> list[str]:
    """Return what a report lacks to pass as the gate of a change: hours, faults, kinds, checks; no violations here."""
    gaps = [f"no {fid} has met anything" for fid in sorted(GATE_KINDS) if not report.met[fid]]
    gaps += [f"nothing was checked for {name}" for name, count in sorted(report.checks.items()) if not count]
    if report.channel_hours < GATE_CHANNEL_HOURS:
        gaps.append(f"{report.channel_hours:.0f} channel-hours are fewer than {GATE_CHANNEL_HOURS:.0f}")
    if (faults := sum(report.faults.values())) < GATE_FAULTS:
        gaps.append(f"{faults} faults are fewer than {GATE_FAULTS}")
    return gaps


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tier from the command line."""
    parser = argparse.ArgumentParser(prog="python -m labctl.testing.faultbench", description=__doc__)
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("1-60"), help="for example 1-60 or 7,9")
    parser.add_argument(
        "--gate", action="store_true", help="the gate of a change: its seeds, hours and kinds"
    )
    parser.add_argument("--channel-hours", type=float, default=math.inf, help="play no more than these")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the stories")
    parser.add_argument("--stop-at-first", action="store_true", help="end at the first violation")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--verbose", action="store_true", help="print a line per seed")
    options = parser.parse_args(arguments)

    def each(report: Report) -> bool:
        if options.verbose:
            tell(report)
        return False

    if options.gate:
        options.seeds, options.channel_hours = list(GATE_SEEDS), GATE_CHANNEL_HOURS
    total = play_many(
        options.seeds,
        channel_hours=options.channel_hours,
        workers=options.workers,
        each=each,
        stop_at_first=options.stop_at_first,
    )
    if options.json:
        _say(json.dumps(to_plain(total)))
    else:
        tell(total)
    gaps = gate_gaps(total) if options.gate and not options.json else []
    for gap in gaps:
        _say(f"gate: {gap}")
    return 1 if total.violations or gaps else 0


if __name__ == "__main__":
    sys.exit(main())
