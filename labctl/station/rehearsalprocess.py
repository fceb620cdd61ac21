"""A rehearsal in a process of its own: ``python -m labctl.station.rehearsalprocess`` reads a wish, writes a prediction.

So a rehearsal of a month's program delays no poll, and whatever goes wrong in it ends with it. It stops by itself at
its time limit and hands over what it has.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.curves import thinned_places
from labctl.clock import link_now_s
from labctl.engine.jobs import StopSignal
from labctl.errors import LabctlError, ProgramError
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.cell import Cell
from labctl.model.plain import to_plain
from labctl.model.prediction import Prediction, PredictionState
from labctl.model.program import Program, program_from_json
from labctl.model.typed import from_plain
from labctl.protocol.bind import bind
from labctl.protocol.parse import parse_protocol
from labctl.station.rehearsing import (
    TWIN_CHANNEL,
    TWIN_MODEL,
    Rehearsal,
    on_the_twin,
    perform,
    twin_bench,
    twin_of,
)
from labctl.store.derive import Derivation
from labctl.store.simdisk import SimulatedDisk

if TYPE_CHECKING:
    from labctl.engine.jobs import Progress
    from labctl.store.runreader import RunReader

EVENTS_SHOWN = 20
POINTS_LEAST, POINTS_MOST = 16, 400
"""Points of one cycle in the thinned curve, however many there are and however few."""
PER_COLUMN = 4
"""``thinned`` keeps so many points of a pixel column at most."""
NICE = 10
"""Lets everything else on the computer go first: polls are never late for a sketch."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to rehearse: a protocol's text, or a program as it was bound. ``points`` bounds the curve.

    ``by_cycle`` gives each cycle its share of them, for V-Q curves; otherwise they are spread over the time.
    """

    cell: Cell
    text: str = ""
    name: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    program: str = ""
    twin: str = ""
    model: str = TWIN_MODEL
    points: int = 2_000
    by_cycle: bool = False
    limit_s: float = 30.0


def answer(request: bytes) -> bytes:
    """Carry out a wish given as JSON, return the prediction as JSON; what cannot be is one with a reason."""
    return json.dumps(to_plain(predicted(from_plain(Wish, json.loads(request))))).encode()


def predicted(wish: Wish) -> Prediction:
    """Rehearse a wish. Never raises for what labctl expects: the reason is in the answer."""
    try:
        twin = wish.twin or twin_of(wish.cell)
        with tempfile.TemporaryDirectory(prefix="labctl-rehearsal-") as folder:
            return _performed(wish, twin, Path(folder))
    except ProgramError as error:
        return Prediction(PredictionState.NONE, "; ".join(error.findings[:3]))
    except LabctlError as error:
        return Prediction(PredictionState.NONE, str(error))


def _performed(wish: Wish, twin: str, folder: Path) -> Prediction:
    stop, until_s = StopSignal(), link_now_s() + wish.limit_s

    def look(progress: Progress) -> None:
        if link_now_s() > until_s and not stop.detached:
            stop.detach()

    bench = twin_bench(wish.cell, twin, None, wish.model)
    done = perform(
        bench,
        lambda found: _program(wish, found),
        wish.cell,
        folder,
        observer=look,
        stop=stop,
        disk=SimulatedDisk(),
    )
    return _prediction(wish, twin, done, whole=not stop.detached)


def _program(wish: Wish, capabilities: CyclerCapabilities) -> Program:
    if wish.program:
        return on_the_twin(program_from_json(wish.program))
    protocol = parse_protocol(wish.text, wish.name or "<protocol>", wish.variables)
    return bind(protocol, wish.cell, TWIN_CHANNEL, capabilities, has_chamber=True, spectra=False)


def _prediction(wish: Wish, twin: str, done: Rehearsal, *, whole: bool) -> Prediction:
    result = done.result
    columns = _columns(done.reader, wish.points, by_cycle=wish.by_cycle)
    cycles = {name: _floats(values) for name, values in done.reader.cycles().items()}
    outcome = result.outcome.value if result.outcome else "cut off" if not whole else result.state
    return Prediction(
        PredictionState.READY, "" if whole else f"cut off after {wish.limit_s:g} s of computing", twin, outcome, whole,
        result.test_time_s, result.rows, columns, cycles,
        tuple(f"{finding.kind}: {finding.text}" for finding in result.findings[:EVENTS_SHOWN]),
    )  # fmt: skip


def _columns(reader: RunReader, points: int, *, by_cycle: bool) -> dict[str, tuple[float, ...]]:
    """Return the thinned curve, a records file at a time: bounded memory whatever the program's length."""
    time_s, voltage_V, cycle, capacity_Ah = (list[NDArray[Any]]() for _ in range(4))
    totals = Derivation()
    for block in reader.blocks():
        own, _, _ = totals.totals(block)
        time_s.append(block["test_time_second"])
        voltage_V.append(block["voltage_volt"])
        cycle.append(block["cycle_count"])
        charging = own.step_charging > 0
        capacity_Ah.append(np.where(charging, own.cycle_charging, own.cycle_discharging))
    if not time_s:
        return {}
    joined = [np.concatenate(parts) for parts in (time_s, voltage_V, cycle, capacity_Ah)]
    keep = _kept(joined[0], joined[1], joined[2], points, by_cycle=by_cycle)
    times, volts, numbers, charges = (_floats(values[keep]) for values in joined)
    return {"cycle": numbers, "test_time_s": times, "voltage_V": volts, "capacity_Ah": charges}


def _kept(
    time_s: NDArray[Any], voltage_V: NDArray[Any], cycle: NDArray[Any], points: int, *, by_cycle: bool
) -> NDArray[np.int64]:
    """Return the places of the rows to keep, in order."""
    if not by_cycle:
        return thinned_places(time_s, voltage_V, max(points // PER_COLUMN, 1))
    edges = np.flatnonzero(np.concatenate(([True], cycle[1:] != cycle[:-1], [True])))
    share = int(np.clip(points // max(len(edges) - 1, 1), POINTS_LEAST, POINTS_MOST)) // PER_COLUMN
    parts = [
        first + thinned_places(time_s[first:last], voltage_V[first:last], share)
        for first, last in pairwise(edges)
    ]
    return np.concatenate(parts)


def _floats(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(float(f"{value:.7g}") for value in np.asarray(values, dtype=float).tolist())


def main() -> int:
    """Answer the one wish on standard input."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
