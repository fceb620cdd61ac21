"""Progress of one sweep: a live line in a terminal, a line per tenth elsewhere, nothing with --json."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from labctl.analysis.eisfigures import frequency_text
from labctl.cli.output import console, say
from labctl.cli.progress import REFRESH_PER_S, duration

if TYPE_CHECKING:
    from rich.text import Text

    from labctl.interfaces.potentiostat import Measurement
    from labctl.model.spectrum import Spectrum

LINES = 10
"""Without a terminal so many lines are told of a sweep."""


class SweepBoard:
    """Shows the newest point; ``show`` returns at once and never raises."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Show nothing when ``quiet``."""
        self._quiet = quiet
        self._line = "connecting, open circuit, settling"
        self._told = -1
        self._live = None
        if not quiet and sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(
                console=console(), get_renderable=self._text, refresh_per_second=REFRESH_PER_S, transient=True
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

    def note(self, text: str) -> None:
        """Say in the live line what is waited for."""
        self._line = text

    def show(self, measurement: Measurement, block: Spectrum) -> None:
        """Take the newest points."""
        got, expected = measurement.points_got, measurement.points_expected or 0
        left = "" if measurement.remaining_s is None else f"  {duration(measurement.remaining_s)} left"
        f_Hz, z_ohm = float(block.frequency_Hz[-1]), abs(complex(block.z_ohm[-1]))
        self._line = f"{got:>4}/{expected}  {frequency_text(f_Hz)}  |Z| {z_ohm:.4g} ohm{left}"
        tenth = got * LINES // max(expected, 1)
        if self._quiet or self._live is not None or tenth == self._told:
            return
        self._told = tenth
        try:
            say(self._line)
        except (
            OSError
        ):  # the terminal or the pipe is gone; a display never decides what a measurement does (P5)
            self._quiet = True

    def _text(self) -> Text:
        from rich.text import Text

        return Text(self._line)
