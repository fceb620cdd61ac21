"""Teeth: each planted bug must be found. ``python -m labctl.testing.plantedbugs --bugs tests/faults/bugs``.

A planted bug is a patch file whose header names the invariant it breaks. The product is copied into a temporary
folder, the patch applied there, and the fault bench run on the copy. Of the ordinary series of stories those come first
that hold most of the faults which the header names as likely to show it; after them the others, until a violation is
found or the budget of channel-hours is spent. ``Seed`` in the header is what found it last time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labctl.testing.faultbench import PAIR_EVERY, seeds_of
from labctl.testing.faultstory import make_story
from labctl.testing.patches import Patch, apply_patch, read_patch

PACKAGES = ("labctl", "drivers/labctl_drivers", "simulators/labctl_simulators", "protocols/labctl_protocols")
CHANNEL_HOURS_MAX = 10_000.0
CHUNK = 4
"""Seeds played in one process before it is asked what it has found."""
SERIES = 400
"""The ordinary series, about 10,000 channel-hours."""
RUN_TIMEOUT_S = 1500.0
REPLAY = "python -m labctl.testing.plantedbugs"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one planted bug."""

    name: str
    invariant: str
    found: bool
    seed: int | None = None
    broken: tuple[str, ...] = ()
    channel_hours: float = 0.0
    text: str = ""


def source_root() -> Path:
    """Return the folder that the product is installed from."""
    return Path(__file__).resolve().parents[2]


def patches_in(folder: Path) -> list[Patch]:
    """Return all patches of a folder by name. Raises: UserFileError."""
    return [read_patch(path) for path in sorted(folder.glob("*.patch"))]


def copy_product(target: Path) -> None:
    """Copy the product's packages."""
    for package in PACKAGES:
        shutil.copytree(
            source_root() / package,
            target / package,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )


def check_fit(patch: Patch, scratch: Path) -> None:
    """Apply a patch to copies of the files that it changes, and compile them. Raises: UserFileError, SyntaxError."""
    for name in patch.files:
        target = scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = source_root() / name
        if source.is_file():
            shutil.copyfile(source, target)
    apply_patch(patch, scratch)
    for name in patch.files:
        compile((scratch / name).read_text(encoding="utf-8"), name, "exec")


def hunt(patch: Patch, *, channel_hours: float = CHANNEL_HOURS_MAX, seeds: Sequence[int] = ()) -> Verdict:
    """Run the fault bench on a copy with the bug until it is found."""
    invariant = patch.header.get("Invariant", "")
    with tempfile.TemporaryDirectory(prefix="labctl-bug-") as folder:
        tree = Path(folder)
        copy_product(tree)
        apply_patch(patch, tree)
        spent = 0.0
        for chunk in _chunks(patch, seeds):
            report, trouble = _bench(tree, chunk)
            spent += float(report.get("channel_hours", 0.0))
            violations = report.get("violations", [])
            if trouble:
                return Verdict(patch.name, invariant, False, channel_hours=spent, text=trouble)
            if violations and _is_news(violations):
                return _found(patch.name, invariant, violations, spent)
            if spent >= channel_hours:
                break
        return Verdict(patch.name, invariant, False, channel_hours=spent)


def hunt_many(
    patches: Sequence[Patch],
    *,
    channel_hours: float = CHANNEL_HOURS_MAX,
    workers: int = 1,
    seeds: Sequence[int] = (),
) -> Iterator[Verdict]:
    """Hunt several bugs, some at the same time; each plays in a process of its own. Verdicts come in their order."""
    with ThreadPoolExecutor(max(1, workers)) as pool:
        yield from pool.map(lambda patch: hunt(patch, channel_hours=channel_hours, seeds=seeds), patches)


def _is_news(violations: list[list[str]]) -> bool:
    """Tell whether the product without the bug is clean on the seed that shows it: else it proves nothing."""
    known = _known(int(violations[0][0]))
    return known is not None and not {entry[1] for entry in violations} <= known


@cache
def _known(seed: int) -> frozenset[str] | None:
    """Return what the product without a bug breaks in a story, None where it crashes; many bugs share a story."""
    clean, trouble = _bench(source_root(), [seed], whole=True)
    return None if trouble else frozenset(entry[1] for entry in clean.get("violations", []))


def _chunks(patch: Patch, seeds: Sequence[int]) -> Iterator[list[int]]:
    """Yield the seeds to play, in the order in which they promise to show the bug."""
    if seeds:
        yield list(seeds)
        return
    if hinted := seeds_of(patch.header["Seed"]) if patch.header.get("Seed") else []:
        yield hinted
    wanted = patch.header.get("Faults", "").split()
    worth = {}
    for seed in range(1, SERIES + 1):
        story = make_story(seed)
        kinds = [fault.fid for fault in story.faults]
        has = [sum(kind == name or kind.split(".")[0] == name for kind in kinds) for name in wanted]
        pair = patch.header.get("Invariant") == "I19" and seed % PAIR_EVERY == 0
        worth[seed] = (pair, min(has, default=0) > 0, sum(has), -story.duration_s)
    order = sorted(worth, key=lambda seed: worth[seed], reverse=True)
    for start in range(0, len(order), CHUNK):
        yield order[start : start + CHUNK]


def _found(name: str, invariant: str, violations: list[list[str]], spent: float) -> Verdict:
    broken = tuple(dict.fromkeys(str(entry[1]) for entry in violations))
    first = violations[0]
    return Verdict(name, invariant, True, int(first[0]), broken, spent, str(first[2])[:300])


def _bench(tree: Path, seeds: Sequence[int], *, whole: bool = False) -> tuple[dict[str, Any], str]:
    """Play seeds on a copy, to the first violation or whole; returns the report, and what it said where it crashed."""
    folders = [str(tree / Path(package).parent) for package in PACKAGES]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    stop = [] if whole else ["--stop-at-first"]
    command = [sys.executable, "-m", "labctl.testing.faultbench", "--json", *stop, "--seeds"]
    try:
        done = subprocess.run(
            [*command, ",".join(map(str, seeds))], cwd=tree, env=environment, capture_output=True, text=True,
            timeout=RUN_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}, f"the bench hangs for more than {RUN_TIMEOUT_S:g} s"
    try:
        report = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {}, "\n".join((done.stderr or "no output").strip().splitlines()[-3:])
    return report, ""


def turn_of_commit() -> int:
    """Return which planted bugs have their turn: by the run's number where there is one, else by the commit's hash."""
    number = os.environ.get("LABCTL_FAULT_TURN") or os.environ.get("GITHUB_RUN_NUMBER")
    if number:
        return int(number)
    git = source_root() / ".git"
    try:
        text = (git / "HEAD").read_text(encoding="utf-8").strip()
        if text.startswith("ref: "):
            text = (git / text[5:]).read_text(encoding="utf-8").strip()
        return int(text[:8], 16)
    except (OSError, ValueError):
        return 0


def chosen(patches: Sequence[Patch], count: int, turn: int) -> list[Patch]:
    """Return ``count`` patches, another set each turn, all of them in a round."""
    start = turn * count % len(patches)
    return [patches[(start + index) % len(patches)] for index in range(min(count, len(patches)))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt planted bugs from the command line; exit code 1 where one is not found."""
    parser = argparse.ArgumentParser(prog="python -m labctl.testing.plantedbugs", description=__doc__)
    parser.add_argument("--bugs", type=Path, default=source_root() / "tests" / "faults" / "bugs")
    parser.add_argument("--only", default="", help="part of a patch's name")
    parser.add_argument(
        "--count", type=int, default=0, help="so many of them, another set for each --turn; 0 = all"
    )
    parser.add_argument("--turn", type=int, default=None, help="which set; left out: by the commit's hash")
    parser.add_argument("--seeds", type=seeds_of, default=(), help="play these stories only, for example 7,9")
    parser.add_argument("--workers", type=int, default=1, help="hunts at the same time")
    parser.add_argument("--channel-hours", type=float, default=CHANNEL_HOURS_MAX)
    options = parser.parse_args(arguments)
    patches = [patch for patch in patches_in(options.bugs) if options.only in patch.name]
    if options.count:
        patches = chosen(patches, options.count, turn_of_commit() if options.turn is None else options.turn)
    found = 0
    verdicts = hunt_many(
        patches, channel_hours=options.channel_hours, workers=options.workers, seeds=options.seeds
    )
    for verdict in verdicts:
        found += verdict.found
        word = (
            f"found by seed {verdict.seed} as {', '.join(verdict.broken)}" if verdict.found else "NOT FOUND"
        )
        sys.stdout.write(
            f"{verdict.name}: {word} in {verdict.channel_hours:.0f} channel-hours {verdict.text[:160]}\n"
        )
        sys.stdout.flush()
        if verdict.seed is not None:
            sys.stdout.write(f"    replay: {REPLAY} --only {verdict.name} --seeds {verdict.seed}\n")
    sys.stdout.write(f"planted bugs found / planted: {found} / {len(patches)}\n")
    return 0 if found == len(patches) else 1


if __name__ == "__main__":
    sys.exit(main())
