"""Predicted curves: a sketch of a text while a person edits it, and what a run was expected to do, behind its curve.

Each rehearsal is a process of its own with a time limit; sketches have one lane, runs another, so that nobody who
edits waits for a month's program. A run's prediction is made when somebody asks for the first time and kept in its
folder, beside the pyramid: it can be made again and is no part of the run's evidence.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from labctl.clock import Clock, ClockMode
from labctl.config.station import StationFile
from labctl.engine.resume import cell_from_fields
from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.model.cell import Cell
from labctl.model.plain import to_plain
from labctl.model.prediction import Prediction, PredictionState
from labctl.model.typed import from_plain
from labctl.station.feed import Feed
from labctl.station.planning import text_key
from labctl.station.rehearsalprocess import Wish
from labctl.station.rehearsing import TWIN_MODEL
from labctl.store.disk import replace_file
from labctl.store.readers import Readers
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.worker import Worker

FOLDER, FILE = "predicted", "curve.json"
SKETCH_POINTS, RUN_POINTS = 2_000, 20_000
SKETCH_LIMIT_S, RUN_LIMIT_S = 20.0, 180.0
"""Seconds of computing; what is there by then is shown as the beginning of a curve."""
GRACE_S = 20.0
"""Seconds behind its limit after which a rehearsal's process is killed: starting it takes one or two."""
WAITING_MAX = 8
"""Sketches that wait; more means that people press faster than a computer rehearses."""
WANTED_MAX = 64
"""Runs that wait for their rehearsal (I14)."""
KEPT = 32
"""Sketches, and predictions of runs, that are kept in memory (I14)."""
ERROR_SHOWN = 300
Rehearse = Callable[[bytes, float], bytes]
"""Carries out a wish (JSON) within so many seconds and returns the prediction (JSON). Blocks."""


class Runs(Protocol):
    """What predictions ask of the runs."""

    def get(self, run_id: str) -> Any:
        """Return a run. Raises: UserInputError where there is none."""


class RehearsalProcess:
    """Rehearses in a process of its own, one at a time; ``close`` ends the one that goes on."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def __call__(self, request: bytes, limit_s: float) -> bytes:
        """Rehearse; a process that does not answer in time, or breaks, is an answer with a reason."""
        if self._closed:
            return _none("the station is closing")
        command = [sys.executable, "-m", "labctl.station.rehearsalprocess"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, creationflags=_low_priority()
        ) as process:
            self._process = process
            try:
                out, errors = process.communicate(request, timeout=limit_s + GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                return _none(f"the rehearsal did not end within {limit_s + GRACE_S:g} s")
            finally:
                self._process = None
        if process.returncode != 0:
            said = errors.decode("utf-8", "replace").strip().splitlines()
            return _none(f"the rehearsal broke: {(said or ['it was ended'])[-1][:ERROR_SHOWN]}")
        return out

    def close(self) -> None:
        """End what goes on: nobody waits for it."""
        self._closed = True
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()


def _low_priority() -> int:
    """Return what lets the process go behind all others on Windows; elsewhere it says so itself."""
    if sys.platform == "win32":
        return subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0


def _none(reason: str) -> bytes:
    return json.dumps(to_plain(Prediction(PredictionState.NONE, reason))).encode()


class _Unheld:
    """A clock that nobody holds: a rehearsal of a minute must not stop a bench in lockstep."""

    @contextlib.contextmanager
    def busy(self, *, thread: bool = False) -> Iterator[None]:
        yield


class Predictions:
    """Predictions of one station. ``serve`` computes those of runs in the background."""

    def __init__(
        self,
        root: DataRoot,
        clock: Clock,
        file: StationFile,
        feed: Feed,
        runs: Runs,
        reader: Worker,
        rehearse: Rehearse | None = None,
    ) -> None:
        """``reader`` is a thread for files; ``rehearse`` replaces the processes, for tests."""
        self._root = root
        self._file = file
        self._feed = feed
        self._runs = runs
        self._reader = reader
        self._readers = Readers(root)
        self._processes = (RehearsalProcess(), RehearsalProcess())
        self._rehearse: tuple[Rehearse, Rehearse] = (
            self._processes if rehearse is None else (rehearse, rehearse)
        )
        # In jump time the bench must not leap on while a rehearsal computes; elsewhere it goes on.
        held = clock if clock.mode is ClockMode.JUMP else cast(Clock, _Unheld())
        self._workers = (Worker("labctl-sketch", held), Worker("labctl-predict", held))
        self._sketches: OrderedDict[str, Prediction] = OrderedDict()
        self._waiting = 0
        self._of_run: OrderedDict[str, tuple[str, Prediction]] = OrderedDict()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()

    def close(self) -> None:
        """Rehearse no more."""
        for process in self._processes:
            process.close()
        for worker in self._workers:
            worker.abandon()

    # -- sketches ---------------------------------------------------------------------------------------------------

    async def sketch(
        self,
        text: str,
        cell: Cell,
        *,
        name: str = "",
        variables: Mapping[str, str] | None = None,
        twin: str = "",
        points: int = SKETCH_POINTS,
        limit_s: float = SKETCH_LIMIT_S,
    ) -> Prediction:
        """Return the predicted curve of a text for a cell; the same question again is answered from memory.

        Raises: ConflictError while too many wait. What cannot be rehearsed is an answer with its reason.
        """
        wish = Wish(
            cell, text, name, dict(variables or {}), twin=twin, points=min(points, SKETCH_POINTS),
            limit_s=min(limit_s, SKETCH_LIMIT_S),
        )  # fmt: skip
        request = _request(wish)
        key = text_key(request.decode())
        known = self._sketches.get(key)
        if known is not None:
            return known
        if self._waiting >= WAITING_MAX:
            raise ConflictError(f"{self._waiting} rehearsals are waiting already; try again in a moment.")
        self._waiting += 1
        try:
            found = _read(await self._workers[0].call(self._rehearse[0], request, wish.limit_s))
        finally:
            self._waiting -= 1
        _keep(self._sketches, key, found)
        return found

    # -- runs -------------------------------------------------------------------------------------------------------

    async def predicted(self, run_id: str) -> Prediction:
        """Return what a run was expected to do: pending on the first question, then the curve or why there is none.

        Raises: UserInputError where there is no such run, ConflictError while too many wait, StoreError.
        """
        self._runs.get(run_id)
        reader = await self._reader.call(self._readers.of, run_id)
        sign = _sign(reader)
        known = self._of_run.get(run_id)
        if known is None or known[0] != sign:
            kept = await self._reader.call(self._kept, reader.folder, sign)
            if kept is None:
                self._want(run_id)
                return Prediction(PredictionState.PENDING, "it is being rehearsed")
            _keep(self._of_run, run_id, (sign, kept))
            known = (sign, kept)
        return known[1]

    def _want(self, run_id: str) -> None:
        """Rehearse a run when its turn comes. Raises: ConflictError while too many wait."""
        if run_id not in self._wanted and len(self._wanted) >= WANTED_MAX:
            raise ConflictError(f"{len(self._wanted)} runs wait to be rehearsed; ask again later.")
        self._wanted[run_id] = None
        self._wake.set()

    def _kept(self, folder: Path, sign: str) -> Prediction | None:
        """Return a prediction from a run's folder; None where it has none, or of another program. In the reader."""
        path = folder / FOLDER / FILE
        disk = self._root.disk
        try:
            if disk.size(path) is None:
                return None
            told = json.loads(disk.read(path))
            return from_plain(Prediction, told["prediction"]) if told["sign"] == sign else None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # it is made again

    async def serve(self) -> None:
        """Compute what was asked for, one run after the other, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                run_id = next(iter(self._wanted))
                try:
                    found = await self._compute(run_id)
                except (StoreError, UserInputError, OSError) as error:
                    found = Prediction(PredictionState.NONE, str(error))
                except Exception as bug:  # a damaged folder: no sketch may end the station
                    reason = f"its folder cannot be read: {bug!r}"
                    found = Prediction(PredictionState.NONE, reason[:ERROR_SHOWN])
                self._wanted.pop(run_id, None)
                told = {
                    "kind": "run.predicted",
                    "run_id": run_id,
                    "state": found.state.value,
                    "reason": found.reason,
                }
                self._feed.publish("event", "run.predicted", told)

    async def _compute(self, run_id: str) -> Prediction:
        reader = await self._reader.call(self._readers.of, run_id)
        sign = _sign(reader)
        try:
            wish = _wish_of(reader.manifest, _model_of(self._file, str(reader.manifest["channel"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            found = Prediction(PredictionState.NONE, f"its program cannot be read: {error}")
        else:
            found = _read(await self._workers[1].call(self._rehearse[1], _request(wish), wish.limit_s))
        _keep(self._of_run, run_id, (sign, found))
        if found.state is PredictionState.READY:  # a reason may pass: after a restart it is tried again
            await self._reader.call(self._put, reader.folder, sign, found)
        return found

    def _put(self, folder: Path, sign: str, found: Prediction) -> None:
        """Keep a prediction in a run's folder; a disk that refuses costs only time later. In the reader."""
        path = folder / FOLDER / FILE
        with contextlib.suppress(OSError):
            self._root.disk.make_folder(path.parent)
            data = json.dumps({"sign": sign, "prediction": to_plain(found)}).encode()
            replace_file(self._root.disk, path, data)


def _keep(kept: OrderedDict[str, Any], key: str, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)


def _request(wish: Wish) -> bytes:
    return json.dumps(to_plain(wish)).encode()


def _read(data: bytes) -> Prediction:
    try:
        return from_plain(Prediction, json.loads(data))
    except ValueError as error:
        return Prediction(PredictionState.NONE, f"the rehearsal's answer cannot be read: {error}")


def _sign(reader: RunReader) -> str:
    """Return what names the program of a run as it is now: a prediction of an earlier revision is not shown."""
    return text_key(_program_of(reader.manifest))


def _program_of(manifest: Mapping[str, Any]) -> str:
    revisions = manifest.get("revisions") or []
    own = revisions[-1].get("program") if revisions else None
    return json.dumps(own or manifest.get("program"), sort_keys=True)


def _wish_of(manifest: Mapping[str, Any], model: str) -> Wish:
    """Return the wish that rehearses a run's own program for its own cell. Raises: KeyError, TypeError, ValueError."""
    cell = cell_from_fields(manifest["cell"])
    return Wish(
        cell, name=str(manifest["run_id"]), program=_program_of(manifest), model=model, points=RUN_POINTS,
        by_cycle=True, limit_s=RUN_LIMIT_S,
    )  # fmt: skip


def _model_of(file: StationFile, channel: str) -> str:
    """Return the model of the unit that a channel belongs to, the usual one where the station file does not say."""
    name, _, place = channel.partition(":")
    entry = next((entry for entry in file.instruments if entry.name == name), None)
    units = {} if entry is None else entry.driver_options.get("units")
    unit = place.partition("-")[0]
    found = units.get(unit) if isinstance(units, Mapping) else None
    return found if isinstance(found, str) else TWIN_MODEL
