"""Progress of runs: a live table in a terminal, sparse plain lines elsewhere, nothing with --json."""

from __future__ import annotations

import math
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from labctl.cli.output import console, say

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from labctl.engine.jobs import Progress

REFRESH_PER_S = 4
LINES_PER_RUN = 10
"""Without a terminal a run tells each change of phase and each tenth of its cycles, not more."""


NARROW_NAMES = ("channel", "cell", "state", "cycle", "V", "mA", "rows", "test time", "left")
NUMBERS = ("cycle", "V", "mA", "rows", "test time", "left")
WIDE_COLUMNS = 120
"""A narrower terminal gets the table without the protocol and the sentence, which could not be read there."""


class RunBoard:
    """Shows the latest ``Progress`` of each run; ``show`` is the engine's observer and returns at once."""

    def __init__(self, *, quiet: bool = False, kept: bool = True, data: Path | None = None) -> None:
        """Show nothing when ``quiet``; ``kept`` runs can be followed from another terminal.

        ``data`` is the data root to name there, where it is not the usual one.
        """
        self._latest: dict[int, Progress] = {}
        self._told: dict[int, tuple[str, int]] = {}
        self._quiet = quiet
        self._kept = kept
        self._where = "" if data is None else f" --data {data}"
        self._live = None
        if not quiet and sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(
                console=console(),
                get_renderable=self.table,
                refresh_per_second=REFRESH_PER_S,
                transient=False,
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        """Take a run's progress; called from the engine's loop, so it must be cheap."""
        new = progress.index not in self._latest
        self._latest[progress.index] = progress
        try:
            self._show(progress, new=new)
        except OSError:  # the terminal or the pipe is gone; a display never decides what a run does (P5)
            self._quiet = True

    def _show(self, progress: Progress, *, new: bool) -> None:
        if new and self._kept and not self._quiet:
            run_id = progress.run_id
            words = f"labctl runs follow {run_id}{self._where}"
            self._say(f"{progress.channel}  run {run_id}; from another terminal: {words}")
        if self._quiet or self._live is not None:
            return
        tenth = progress.cycle * LINES_PER_RUN // max(progress.cycles, 1)
        if self._told.get(progress.index) != (progress.phase.value, tenth):
            self._told[progress.index] = (progress.phase.value, tenth)
            say(_line(progress))

    def run_ids(self) -> list[str]:
        """Return the ids of the runs seen so far, in job order."""
        return [str(self._latest[index].run_id) for index in sorted(self._latest)]

    def _say(self, text: str) -> None:
        """Print a line; above the live table where there is one."""
        if self._live is None:
            say(text)
        else:
            self._live.console.print(text)

    def table(self) -> Table:
        """Return the table of all runs as they stand."""
        from rich.table import Table
        from rich.text import Text

        narrow = console().width < WIDE_COLUMNS
        names = NARROW_NAMES if narrow else (*NARROW_NAMES[:2], "protocol", *NARROW_NAMES[2:], "now")
        table = Table(pad_edge=False, header_style="bold")
        if narrow:
            table.box, table.padding = None, (0, 1, 0, 0)
        for name in names:
            table.add_column(
                name, justify="right" if name in NUMBERS else "left", no_wrap=name not in ("protocol", "now")
            )
        for index in sorted(self._latest):
            at = self._latest[index]
            texts = {
                "channel": at.channel, "cell": at.cell, "protocol": at.protocol, "state": at.phase.value,
                "cycle": _cycles(at), "V": _value(at.voltage_V, 1.0, 4), "mA": _value(at.current_A, 1e3, 4),
                "rows": f"{at.rows:,}", "test time": duration(at.test_time_s), "left": duration(at.eta_s),
                "now": at.note or at.sentence,
            }  # fmt: skip
            table.add_row(*(Text(texts[name]) for name in names))
        return table


def duration(time_s: float) -> str:
    """Write a duration for people: ``36 s``, ``12 min``, ``5.2 h``, ``12.5 d``; an em dash for unknown."""
    if not math.isfinite(time_s):
        return "—"
    for limit_s, unit_s, unit in ((100, 1.0, "s"), (5400, 60.0, "min"), (72 * 3600, 3600.0, "h")):
        if time_s < limit_s:
            return f"{time_s / unit_s:.3g} {unit}"
    return f"{time_s / 86400:.3g} d"


def _cycles(at: Progress) -> str:
    return f"{at.cycle}/{at.cycles}" if at.cycles else str(at.cycle)


def _value(value: float, factor: float, digits: int) -> str:
    return "—" if math.isnan(value) else f"{value * factor:.{digits}f}"


def _line(at: Progress) -> str:
    left = f", {duration(at.eta_s)} left" if math.isfinite(at.eta_s) else ""
    return (
        f"{at.channel}  {at.cell}  {at.phase.value:<9} cycle {_cycles(at)}  {_value(at.voltage_V, 1.0, 4)} V  "
        f"{_value(at.current_A, 1e3, 4)} mA  {at.rows:,} rows  {duration(at.test_time_s)}{left}"
        + (f"  ({at.note})" if at.note else "")
    )
