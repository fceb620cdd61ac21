"""Measure finish forecasts and early warnings on whole runs of the study's cells; print a table of each.

``python benchmarks/bench_forecast.py`` performs the runs on virtual benches (jump mode, calibrated chain) and prints
errors of the finish time by cycle, then detections and false alarms of the early warnings. ``--seeds 3 11`` chooses
other cells, ``--early`` or ``--finish`` one of the tables. Two seeds take about six minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from labctl.testing.studyruns import (
    NESTED,
    Disturbance,
    StudyRun,
    Warned,
    Wish,
    disturbed,
    early_warnings,
    finish_standings,
    perform,
)

CYCLES = (1, 2, 3, 5, 10, 15, 20, 30, 40)
FIFTY = (
    ("LIQ-P", "p1-li-li-1mA"), ("LIQ-Z", "p2-li-li-3mA"), ("PEO-Z", "p3-li-li-peo"), ("LTO-P", "p4-lto-li"),
    ("LTO-Z", "p4-lto-li"), ("LFP-P", "p5-lfp-li-peo"), ("LFP-Z", "p5-lfp-li-peo"),
)  # fmt: skip
OTHERS = (("LFP-Z", NESTED), ("LFP-Z", "rate-test"))
WHOLE = (
    ("LIQ-Z", "p1-li-li-1mA"), ("LIQ-Z", "p2-li-li-3mA"), ("PEO-P", "p3-li-li-peo"), ("PEO-Z", "p3-li-li-peo"),
    ("LTO-P", "p4-lto-li"), ("LTO-Z", "p4-lto-li"), ("LFP-P", "p5-lfp-li-peo"), ("LFP-Z", "p5-lfp-li-peo"),
    ("LIQ-P", "p1-li-li-1mA"), ("LIQ-P", "p2-li-li-3mA"),
)  # fmt: skip
SICK_AFTER_H = {
    ("LIQ-P", "p1-li-li-1mA"): 110.0,
    ("LIQ-P", "p2-li-li-3mA"): 40.0,
    ("LFP-P", "p5-lfp-li-peo"): 76.0,
}
"""Test time from which the cell is on its way to its end: pristine liquid cells at two thirds of their life (twice the
smallest resistance, growing by 1.5 % per half-cycle), the leaky LFP cell from cycle 21."""


def performed(wishes: Sequence[Wish]) -> list[StudyRun]:
    """Perform wishes eight at a time."""
    runs: list[StudyRun] = []
    for start in range(0, len(wishes), 8):
        with tempfile.TemporaryDirectory() as folder:
            runs.extend(perform(wishes[start : start + 8], Path(folder)))
    return runs


def finish_table(seeds: Sequence[int]) -> None:
    """Print the errors of the finish time by cycle."""
    print("Finish time: error and 90 % half-width in % of the whole run's time, after so many cycles")
    print(f"{'cell':6} {'protocol':14} {'seed':>4} " + " ".join(f"{cycle:>11}" for cycle in CYCLES))
    inside = answers = 0
    for seed in seeds:
        wishes = [Wish(variant, name, {"cycles": "50"}, seed) for variant, name in FIFTY]
        for variant, name in OTHERS:
            wishes.append(Wish(variant, name, {} if name is NESTED else {"chamber": "60 degC"}, seed))
        for run in performed(wishes):
            standings = {standing.cycle: standing for standing in finish_standings(run)}
            shown = [standings.get(cycle) for cycle in CYCLES]
            cells = [
                "-" if item is None else f"{100 * item.error:+.2f} ±{50 * (item.high - item.low):.1f}"
                for item in shown
            ]
            later = [item for item in standings.values() if item.cycle >= 2]
            answers += len(later)
            inside += sum(item.inside for item in later)
            name = "nested" if run.wish.protocol is NESTED else run.wish.protocol
            print(
                f"{run.wish.variant:6} {name:14} {seed:4} " + " ".join(f"{cell:>11}" for cell in cells),
                flush=True,
            )
    print(
        f"inside the shown interval from cycle 2 on: {inside} of {answers} answers ({inside / answers:.1%})\n"
    )


def told(warnings: Sequence[Warned]) -> str:
    """Say warnings in one line."""
    return ", ".join(
        f"{item.kind.removeprefix('early.')} {item.time_h:.0f} h (cycle {item.cycle})" for item in warnings
    )


def early_table(seeds: Sequence[int]) -> None:
    """Print detections and false alarms of the early warnings."""
    print("Early warnings: whole runs; a warning before the cell is on its way to its end is a false alarm")
    false = healthy_h = 0.0
    for seed in seeds:
        runs = performed([Wish(variant, name, {}, seed) for variant, name in WHOLE])
        for run in runs:
            warnings = early_warnings(run.program, run.rows)
            end_h = float(run.rows["test_time_second"][-1]) / 3600.0
            died = run.result.outcome is not None and run.result.outcome.value in ("short", "protect", "dead")
            sick_h = SICK_AFTER_H.get((run.wish.variant, run.wish.protocol), end_h - 12.0 if died else end_h)
            early = [item for item in warnings if item.time_h < sick_h]
            false, healthy_h = false + len(early), healthy_h + min(sick_h, end_h)
            print(
                f"{run.wish.variant:6} {run.wish.protocol:14} {seed:4} {run.result.outcome!s:9} {end_h:6.0f} h  "
                f"{told(warnings) or 'none'}{'  FALSE ' + told(early) if early else ''}",
                flush=True,
            )
        coated = next(run for run in runs if run.wish.variant == "PEO-Z")
        for what in Disturbance:
            warnings = early_warnings(coated.program, disturbed(coated, what, 400 * 3600.0, seed))
            print(f"PEO-Z  {what:22} from 400 h: {told(warnings) or 'missed'}", flush=True)
        precursor = [
            Wish(variant, name, {}, seed, precursor=True)
            for variant, name in (("LIQ-P", "p1-li-li-1mA"), ("PEO-P", "p3-li-li-peo"))
        ]
        for run in performed(precursor):
            end_h = float(run.rows["test_time_second"][-1]) / 3600.0
            warnings = early_warnings(run.program, run.rows)
            print(
                f"{run.wish.variant:6} with soft-short bursts {seed:4} ends {end_h:.0f} h: {told(warnings)}",
                flush=True,
            )
    print(f"false alarms: {false:.0f} in {healthy_h:.0f} h of healthy cells\n")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 11])
    parser.add_argument("--early", action="store_true", help="print the early warnings only")
    parser.add_argument("--finish", action="store_true", help="print the finish times only")
    args = parser.parse_args()
    if not args.early:
        finish_table(args.seeds)
    if not args.finish:
        early_table(args.seeds)


if __name__ == "__main__":
    main()
