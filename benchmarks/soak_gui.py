"""An hour of the window on a running campaign at 24 times the wall: does its memory stay where it is?

    python benchmarks/soak_gui.py [--minutes 60] [--speed 24] [--hours 30]

The demo (bench and station, processes of their own) runs ``--hours`` plant hours ahead, then at ``--speed``. The
window shows the channel view with its live plots, looks into every other view for a while, and comes back. Memory is
the resident set of the window's process, read each 10 s; the goal is less than 1 MB over the last half, by a straight
line through the readings. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
from itertools import cycle
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer

from labctl.cli.guidemo import Demo
from labctl.clock import link_now_s, link_pause_async
from labctl.testing.guiwatch import WatchedApplication

GOAL_MB = 1.0
LOOK_S = 10.0
STAY_S = 30.0


def rss_MB() -> float:
    """Return the memory that this process holds."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024.0


def turn(seconds: float) -> None:
    """Let the window live for a while."""
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


async def ahead(demo: Demo, hours: float, speed: str) -> None:
    """Run the campaign ahead, then calm it."""
    from datetime import datetime

    station = await demo.connect(True)
    try:
        begin = datetime.fromisoformat((await station.info()).plant_utc)
        while (
            datetime.fromisoformat((await station.info()).plant_utc) - begin
        ).total_seconds() < hours * 3600:
            await link_pause_async(1.0)
        demo.set_speed(speed)
    finally:
        await station.close()


def main() -> int:
    """Run the command; exit 1 when the goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--speed", default="24")
    parser.add_argument("--hours", type=float, default=30.0)
    args = parser.parse_args()
    app = WatchedApplication()
    with tempfile.TemporaryDirectory(prefix="labctl-soak-") as folder:
        demo = Demo(Path(folder) / "data", "max")
        try:
            asyncio.run(ahead(demo, args.hours, args.speed))
            readings = watched(app, demo, Path(folder) / "gui.ini", args.minutes * 60.0)
        finally:
            demo.end()
    times, values = np.array(readings).T
    late = times >= times[-1] / 2
    slope = float(np.polyfit(times[late], values[late], 1)[0]) if late.sum() > 2 else 0.0
    grown = slope * float(times[-1] / 2)
    print(f"memory: {values[0]:.1f} MB at first, {values[late][0]:.1f} at half, {values[-1]:.1f} at the end")
    print(f"growth over the last half: {grown:+.2f} MB (goal: less than {GOAL_MB:g} MB)")
    worst = app.longest[0] if app.longest else None
    print(f"longest turn of the event loop: {worst}")
    return 1 if grown >= GOAL_MB else 0


def watched(app: WatchedApplication, demo: Demo, settings: Path, seconds: float) -> list[tuple[float, float]]:
    """Show the window for so long; return time and memory."""
    from labctl.gui.app import Plan, build
    from labctl.gui.session import Session
    from labctl.gui.theme.palette import dress

    dress(app)
    window = build(Plan(demo.connect, demo.pace), Session(settings))
    while window.desk is None or not window.desk.lab.runs:
        turn(0.2)
    views = cycle(["station", "channel", "compare", "queue", "cells", "alarms", "protocol", "reports"])
    readings: list[tuple[float, float]] = []
    begin_s, next_s = link_now_s(), 0.0
    while (gone_s := link_now_s() - begin_s) < seconds:
        if gone_s >= next_s:
            away = int(next_s / STAY_S) % 4 == 3
            window.go(
                next(views) if away else "channel", None if away else next(iter(window.desk.lab.channels))
            )
            next_s += STAY_S
        turn(LOOK_S)
        readings.append((gone_s, rss_MB()))
        if len(readings) % 6 == 0:
            sys.stderr.write(f"{gone_s:6.0f} s: {readings[-1][1]:.1f} MB\n")
    window.close()
    turn(0.5)
    return readings


if __name__ == "__main__":
    sys.exit(main())
