"""Checkers of rows: I01 to I04, I08 (rows), I11, I12, I13 (durations), I17 (journals), I03."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from labctl.errors import StoreError
from labctl.model.record import QUALITY_BAD, QUALITY_GOOD, RECORD_COLUMNS, RecordBlock
from labctl.store.runreader import RunReader
from labctl.testing.invariants import Checker, Known, RunView

TICKS_PER_S = 10.0
VOLTAGE_SENTINEL_V = 10.0
CURRENT_SENTINEL_A = 0.02
"""Twice the rails of a 5V10mA channel: nothing on the fault bench can be measured beyond."""
RESOLUTION = 1e-12


class NoLoss(Checker):
    """I01: each acknowledged row is readable and equal after any crash, power cut or restart."""

    id, name = "I01", "NO-LOSS"

    def life_ends(self, life: int, how: str) -> None:
        """Read back everything that was acknowledged, from the disk as the next process finds it."""
        if how != "left":
            self._compare(how)

    def at_end(self) -> None:
        """Read back once more."""
        self._compare("the end of the story")

    def _compare(self, after: str) -> None:
        for run in self.known.runs.values():
            if not run.acked:
                continue
            self.checked += 1
            try:
                stored = _all_rows(self.known, run)
            except Exception as error:  # a reader that raises anything at all has lost the rows
                self.flaw(f"{run.run_id} cannot be read after {after}: {type(error).__name__}: {error}")
                continue
            want = run.rows("sequence")
            if len(stored) < int(want[-1]):
                self.flaw(
                    f"{run.run_id}: row {int(want[-1])} was acknowledged, {len(stored)} are there after {after}"
                )
                continue
            place = np.searchsorted(stored["sequence"], want)
            for name in RECORD_COLUMNS:
                have, wish = stored[name][np.minimum(place, len(stored) - 1)], run.rows(name)
                if not np.array_equal(have, wish, equal_nan=have.dtype.kind == "f"):
                    self.flaw(f"{run.run_id}: {name} of acknowledged rows differs after {after}")
                    break


class BitRot(Checker):
    """I01 with F22: a rotten bit is named or harms nothing; what can still be read is what was written."""

    id, name = "I01", "NO-LOSS"

    def at_end(self) -> None:
        """Let each rotten bit rot on a copy of the disk, and read the run there."""
        for seed in self.world.rotten:
            dice = random.Random(seed)
            runs = [run for run in self.known.runs.values() if run.acked]
            if runs:
                self._rot(dice.choice(runs), dice)

    def _rot(self, run: RunView, dice: random.Random) -> None:
        self.checked += 1
        before = _all_rows(self.known, run)
        folder, disk = self.known.root().run_folder(run.run_id), self.world.disk.copy()
        name = dice.choice([item for item in disk.names(folder) if disk.size(folder / item)])
        offset = dice.randrange(disk.size(folder / name) or 1)
        disk.flip(folder / name, offset, 1 << dice.randrange(8))
        where = f"{run.run_id}/{name} with a rotten bit at byte {offset}"
        try:
            reader = RunReader(folder, disk=disk)
            named, rows = bool(reader.verify()), reader.records(list(RECORD_COLUMNS))
        except Exception as error:  # whatever it is, the rest cannot be read
            self.flaw(f"{where} cannot be read: {type(error).__name__}: {error}")
            return
        place = np.searchsorted(before["sequence"], rows["sequence"])
        for column in RECORD_COLUMNS:
            want = before[column][np.minimum(place, len(before) - 1)]
            if not np.array_equal(want, rows[column], equal_nan=want.dtype.kind == "f"):
                self.flaw(f"{where} reads other {column} than were written")
        lost = int(before["sequence"][-1]) - len(rows) - len(reader.tail())
        if lost > 0 and not named:
            self.flaw(f"{where} has lost {lost} rows and does not say so")


def _all_rows(known: Known, run: RunView) -> RecordBlock:
    reader = known.reader(run.run_id)
    blocks = [reader.records(list(RECORD_COLUMNS))]
    tail = reader.tail()
    if tail is not None and len(tail):
        blocks.append(RecordBlock({name: tail[name] for name in RECORD_COLUMNS}))
    return RecordBlock.joined(blocks) if len(blocks) > 1 else blocks[0]


class NoDuplicates(Checker):
    """I02: (run, source sequence) occurs once."""

    id, name = "I02", "NO-DUP"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._last: dict[str, tuple[int, int]] = {}

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Compare with the row before: the device's number rises within a segment."""
        self.checked += 1
        segment, sequence = block["segment"], block["device_sequence"]
        before = self._last.get(run_id, (0, 0))
        pairs = [before, *zip(segment.tolist(), sequence.tolist(), strict=True)]
        for earlier, later in pairwise(pairs):
            if later <= earlier:
                self.flaw(
                    f"{run_id}: device row {later[1]} of segment {later[0]} came after row {earlier[1]}"
                )
                break
        self._last[run_id] = pairs[-1]

    def at_end(self) -> None:
        """Count what is stored."""
        for run in self.known.runs.values():
            if run.acked:
                rows = _all_rows(self.known, run)
                pairs = np.stack([rows["segment"].astype("i8"), rows["device_sequence"]])
                if np.unique(pairs, axis=1).shape[1] != len(rows):
                    self.flaw(f"{run.run_id}: a device row is stored twice")
                if np.unique(rows["sequence"]).size != len(rows):
                    self.flaw(f"{run.run_id}: a row number is stored twice")


class Order(Checker):
    """I03: run sequence strictly grows by one; test time never falls and is equal at step joints."""

    id, name = "I03", "ORDER"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._last: dict[str, tuple[int, float, int, float]] = {}

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Follow each step's beginning: it stands at the test time of the row before."""
        self.checked += 1
        sequence, time_s, step, base_s = self._last.get(run_id, (0, 0.0, 0, 0.0))
        for index in range(len(block)):
            now = int(block["sequence"][index])
            test_s, step_s = float(block["test_time_second"][index]), float(block["step_time_second"][index])
            count = int(block["step_count"][index])
            if now != sequence + 1:
                self.flaw(f"{run_id}: row {now} follows row {sequence}")
            if test_s < time_s - 1e-6:
                self.flaw(f"{run_id}: test time {test_s} follows {time_s} at row {now}")
            if np.isfinite(step_s) and 0 <= step_s < 1e8:
                begun_s = test_s - step_s
                wanted_s = base_s if count == step else time_s
                if count not in (step, step + 1):
                    self.flaw(f"{run_id}: step {count} follows step {step} at row {now}")
                elif abs(begun_s - wanted_s) > 1e-3:
                    self.flaw(
                        f"{run_id}: row {now}: its step began at {begun_s:.3f} s, not at {wanted_s:.3f} s"
                    )
                base_s = begun_s
            sequence, time_s, step = now, test_s, count
        self._last[run_id] = (sequence, time_s, step, base_s)


class NoInvention(Checker):
    """I04: each stored value is one that the device holds; gaps are gap records; BAD is never shown as GOOD.

    Also judges I12 (a value that is off by a constant factor) and the rows of I08 (a test that is not the run's own).
    """

    id, name = "I04", "NO-INVENT"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._tests: dict[str, dict[int, int]] = {}
        self._gaps: dict[str, list[tuple[int, int, int]]] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Compare a block with the device's own records, at once."""
        self.checked += 1
        run = self.known.runs.get(run_id)
        if run is None:
            self.flaw(f"rows of {run_id}, of which nothing else was heard")
            return
        segments = np.unique(block["segment"])
        for segment in segments.tolist():
            mask = block["segment"] == segment
            part = RecordBlock({name: column[mask] for name, column in block.columns.items()})
            self._holes(run, segment, part)
            test_id = self._test_of(run, segment)
            if test_id is not None:
                self._compare(run, segment, test_id, part)

    def _holes(self, run: RunView, segment: int, part: RecordBlock) -> None:
        last_segment, last = self._last.get(run.run_id, (0, 0))
        numbers = [last if last_segment == segment else 0, *part["device_sequence"].tolist()]
        for earlier, later in pairwise(numbers):
            if later > earlier + 1:
                self._gaps.setdefault(run.run_id, []).append((segment, earlier + 1, later - 1))
        self._last[run.run_id] = (segment, numbers[-1])

    def _test_of(self, run: RunView, segment: int) -> int | None:
        """Find the device test of a segment by the mark on it, which only the device knows for sure."""
        known = self._tests.setdefault(run.run_id, {})
        if segment not in known:
            tests: Mapping[str, str] = self.world.truth(run.channel)["tests"]
            found = [int(test) for test, mark in tests.items() if mark == f"{run.run_id}.{segment}"]
            if not found:
                self.flaw(
                    f"{run.run_id}: rows of segment {segment}, but {run.channel} has no such test", "I08"
                )
                known[segment] = 0
            else:
                known[segment] = found[-1]
        return known[segment] or None

    def _compare(self, run: RunView, segment: int, test_id: int, part: RecordBlock) -> None:
        numbers = part["device_sequence"]
        first, last = int(numbers[0]), int(numbers[-1])
        columns: dict[str, list[float]] = {}
        at = first - 1
        while at < last:
            page = self.world.truth(run.channel, testid=test_id, after_sequence=at)["records"]
            for name, values in page.items():
                columns.setdefault(name, []).extend(values)
            at += 1000
        if not columns or len(columns["volt_V"]) < last - first + 1:
            self.flaw(f"{run.run_id}: rows up to {last} of test {test_id}, which the device does not hold")
            return
        true = {name: np.asarray(values)[numbers - first] for name, values in columns.items()}
        self._values(run, part, true)

    def _values(self, run: RunView, part: RecordBlock, true: Mapping[str, Any]) -> None:
        pairs = (
            ("voltage_volt", "volt_V", 1.0), ("current_ampere", "curr_A", 1.0),
            ("step_capacity_ah", "cap_Ah", 1.0), ("step_energy_wh", "eng_Wh", 1.0),
            ("step_time_second", "step_tick", 1.0 / TICKS_PER_S),
        )  # fmt: skip
        good = part["quality"] == QUALITY_GOOD
        for name, wire_name, factor in pairs:
            have, want = part[name], true[wire_name] * factor
            with np.errstate(all="ignore"):
                off = ~(np.abs(have - want) <= RESOLUTION + 1e-9 * np.abs(want))
                # a BAD value may be no number, never another number
                off &= np.isfinite(have) | (np.isfinite(want) & good)
                if not off.any():
                    continue
                ratio = have[off] / want[off]
            row = int(np.flatnonzero(off)[0])
            constant = bool(np.isfinite(ratio).all()) and float(np.ptp(ratio)) < 1e-6 and len(ratio) > 1
            where = f"{run.run_id} row {int(part['sequence'][row])}"
            self.flaw(
                f"{where}: {name} is {have[row]!r}, the device holds {want[row]!r}",
                "I12" if constant else "I04",
            )
        with np.errstate(all="ignore"):
            insane = ~(np.abs(true["volt_V"]) <= VOLTAGE_SENTINEL_V) | ~(
                np.abs(true["curr_A"]) <= CURRENT_SENTINEL_A
            )
            insane |= ~np.isfinite(true["cap_Ah"]) | ~np.isfinite(true["eng_Wh"])
        if bool((insane & (part["quality"] != QUALITY_BAD)).any()):
            self.flaw(f"{run.run_id}: a reading that cannot be true is stored as GOOD")

    def at_end(self) -> None:
        """Look for the gap record of each hole, with its exact range."""
        for run_id, gaps in self._gaps.items():
            events = [event for event in self.known.reader(run_id).events() if event.get("kind") == "gap"]
            for segment, first, last in gaps:
                lost = last - first + 1
                told = [
                    event
                    for event in events
                    if f"{lost} records: {first} to {last}" in str(event.get("text", ""))
                ]
                if not told:
                    self.flaw(
                        f"{run_id}: rows {first} to {last} of segment {segment} are missing without a gap record"
                    )


class FrozenProgram(Checker):
    """I11: a run's compiled program and hash never change; each started step file is the one that was checked."""

    id, name = "I11", "FROZEN-PROTOCOL"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._seen: dict[str, str] = {}

    def life_ends(self, life: int, how: str) -> None:
        """Compare each run's program with the first one seen."""
        self._look()

    def at_end(self) -> None:
        """Look once more, and compare the step files that the device took."""
        self._look()
        for run in self.known.runs.values():
            try:
                manifest = self.known.reader(run.run_id).manifest
            except (StoreError, OSError, ValueError, KeyError):  # I01 reports folders that cannot be read
                continue
            sums = {int(entry["test_id"]): entry["sha256"] for entry in manifest.get("segments", [])}
            for entry in self.world.truth(run.channel)["commands"]:
                if (
                    entry["command"] == "start"
                    and entry["accepted"]
                    and entry["barcode"].startswith(f"{run.run_id}.")
                ):
                    wanted = sums.get(int(entry["testid"]))
                    if wanted is not None and entry["sha256"] and entry["sha256"] != wanted:
                        self.flaw(
                            f"{run.run_id}: test {entry['testid']} runs a step file that was not checked"
                        )

    def _look(self) -> None:
        for run_id in self.known.runs:
            try:
                manifest = self.known.reader(run_id).manifest
            except (StoreError, OSError, ValueError, KeyError):  # I01 reports folders that cannot be read
                continue
            self.checked += 1
            content = {"program": manifest.get("program"), "protocol": manifest.get("protocol")}
            text = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
            if self._seen.setdefault(run_id, text) != text:
                self.flaw(f"{run_id}: the program in its manifest has changed")
                self._seen[run_id] = text


class Audit(Checker):
    """I17: journals only grow; each line carries the hash of the one before; old lines stay."""

    id, name = "I17", "AUDIT"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._before: dict[str, list[bytes]] = {}

    def life_ends(self, life: int, how: str) -> None:
        """Verify every chained file of the data root as the disk holds it."""
        self._look(torn_tail=how != "left")

    def at_end(self) -> None:
        """Verify once more."""
        self._look(torn_tail=True)

    def _look(self, *, torn_tail: bool) -> None:
        disk = self.world.disk
        for path, chained in self._files():
            self.checked += 1
            lines = disk.read(path).split(b"\n")[:-1]
            problem = _chain_problem(lines, torn_tail=torn_tail) if chained else ""
            if problem:
                self.flaw(f"{path.name} of {path.parent.name}: {problem}")
            before = self._before.get(str(path), [])
            kept = [line for line in before if line]
            if lines[: len(kept)] != kept:
                self.flaw(f"{path.name} of {path.parent.name}: lines that were durable are gone or changed")
            self._before[str(path)] = [line for line in lines if _parts(line) is not None]

    def _files(self) -> list[tuple[Any, bool]]:
        root = self.known.root()
        disk = self.world.disk
        found = [(folder / "journal.jsonl", True) for folder in root.run_folders()]
        station = root.path / "station"
        found += [(station / name, True) for name in disk.names(station) if name.endswith(".jsonl")]
        return [(path, chained) for path, chained in found if disk.size(path) is not None]


def _parts(line: bytes) -> tuple[bytes, str] | None:
    text, mark, rest = line.rpartition(b', "check": "')
    if not mark or not rest.endswith(b'"}'):
        return None
    return text, rest[:-2].decode("ascii", "replace")


def _chain_problem(lines: list[bytes], *, torn_tail: bool) -> str:
    """Return what is wrong with a chain of SHA-256 checks, written from the format's description."""
    before, number = "", 0
    for index, line in enumerate(lines):
        found = _parts(line)
        if found is None:
            behind = any(_parts(later) is not None for later in lines[index + 1 :])
            return f"line {index + 1} cannot be read" if behind or not torn_tail else ""
        text, check = found
        if hashlib.sha256(before.encode("ascii") + text).hexdigest()[:32] != check:
            return f"line {index + 1} does not carry the hash of the line before"
        counted = int(json.loads(text + b"}")["n"])
        if counted != number + 1:
            return f"line {counted} follows line {number}"
        before, number = check, counted
    return ""
