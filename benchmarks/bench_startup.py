"""F1: wall time of ``labctl --help`` against ``python -c pass`` and a bare argparse program, measured in turn.

    python benchmarks/bench_startup.py [--runs 25]

Prints the median of each and the ratio to the limit (goal: at most 5 times ``pass``).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

PEER = "import argparse; p = argparse.ArgumentParser(); p.add_argument('x'); p.format_help()"
GOAL_RATIO = 5.0


def seconds(command: list[str]) -> float:
    """Return the wall time of one whole process."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> int:
    """Measure in turn and print the table; exit 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=25)
    runs = parser.parse_args().runs
    script = Path(sysconfig.get_path("scripts")) / ("labctl.exe" if sys.platform == "win32" else "labctl")
    commands = {
        "limit: python -c pass": [sys.executable, "-c", "pass"],
        "peer: bare argparse": [sys.executable, "-c", PEER],
        "labctl --help": [str(script), "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    limit = medians["limit: python -c pass"]
    for name, value in medians.items():
        print(f"F1  {name:<24} {value * 1e3:7.1f} ms   {value / limit:5.2f} x limit")
    ratio = medians["labctl --help"] / limit
    print(f"F1  goal <= {GOAL_RATIO:g} x limit: {'met' if ratio <= GOAL_RATIO else 'MISSED'} ({ratio:.2f})")
    return 0 if ratio <= GOAL_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
