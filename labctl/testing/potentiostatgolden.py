"""Golden transcripts of potentiostats: what passed the wire once must pass again, byte by byte, and mean the same.

``record`` plays a fixed story on an instrument and writes down its bytes; ``replay`` plays the same story with the
driver alone on those bytes. A driver that says anything else than it did then fails with ``ReplayMismatch``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from labctl.clock import Clock, ClockMode, ClockSpec, SupportsAdvance, run_with_clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.model.technique import Chronoamperometry, FrequencySweep, Ocv, Peis, Technique
from labctl.transport.base import Transport
from labctl.transport.capture import CaptureTransport
from labctl.transport.replay import ReplayTransport

Told = dict[str, Any]
"""What the driver told in the story: identity, and columns by technique and name, as plain numbers."""

Make = Callable[[Callable[[str], Transport], Clock], Potentiostat]
"""Makes a closed driver on the pipe that a function returns."""

STORY: tuple[Technique, ...] = (
    Ocv(1.0, 0.5),
    Chronoamperometry(((0.11, 1.0), (-0.11, 1.0)), 0.5),
    Peis(FrequencySweep(100e3, 1.0, 4), 0.01, settle_s=1.0),
)
"""Short, and within reach of every model; what a model cannot do is left out."""

_LANE = re.compile(r'"link": "([^"]*)"')

COLUMNS = ("elapsed_s", "e_V", "i_A", "frequency_Hz", "z_re_ohm", "z_im_ohm", "t_end_s", "range_A", "flags")


def record(
    make: Make, pipe: Callable[[Clock], Transport], bench: SupportsAdvance | None = None
) -> tuple[list[str], Told]:
    """Play the story on an instrument in jump time; return the lines of its capture and what was told.

    A driver with several lanes gets a pipe for each, and each has a name in the capture: ``lane 1``, ``lane 2``.
    """
    lines: list[str] = []
    lane = count(1)
    return lines, _played(
        make,
        lambda clock: CaptureTransport(pipe(clock), clock, lines.append, link=f"lane {next(lane)}"),
        bench,
    )


def replay(make: Make, capture: Path | Iterable[str]) -> Told:
    """Play the story on a capture and return what was told. Raises: ReplayMismatch, UserFileError."""
    lines = capture.read_text(encoding="utf-8").split("\n") if isinstance(capture, Path) else list(capture)
    lanes = sorted({found[1] for line in lines if (found := _LANE.search(line))})
    players = [ReplayTransport(lines, link=lane) for lane in lanes] or [ReplayTransport(lines)]
    left = iter(players)
    told = _played(make, lambda clock: next(left), None)
    for player in players:
        player.finish()
    return told


def _played(make: Make, pipe: Callable[[Clock], Transport], bench: SupportsAdvance | None) -> Told:
    async def main(clock: Clock) -> Told:
        driver = make(lambda resource: pipe(clock), clock)
        told = await _story(driver)
        await driver.close()
        return told

    return run_with_clock(ClockSpec(mode=ClockMode.JUMP), main, bench=bench)


async def _story(driver: Potentiostat) -> Told:
    identity = await driver.open()
    told: Told = {"model": identity.model, "serial": identity.serial, "firmware": identity.firmware}
    for technique in STORY:
        if driver.refusals(technique):
            continue
        blocks = [block async for block in (await driver.measure(technique)).blocks()]
        told[type(technique).__name__] = {
            name: np.concatenate([getattr(block, name) for block in blocks]).tolist()
            for name in COLUMNS
            if hasattr(blocks[0], name)
        }
    told["e_V"] = (await driver.read()).e_V
    return told
