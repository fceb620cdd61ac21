"""Checkers of the whole station: I07 (one owner), I14 (the feed), I16 (alarms), I19 (clients), I20 (stop all)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labctl.engine.lease import Lease
from labctl.errors import StoreError
from labctl.model.record import RecordBlock
from labctl.station.feed import Feed
from labctl.testing.faultworld import ENERGISING, STOPPING, WireKind, WireNote
from labctl.testing.invariants import Checker, Known

PERSONS = frozenset({"anna", "ben"})
DELTAS_KEPT_MAX = 20_000
"""Nobody may keep more deltas than this for clients that might come back."""
FIRST_STOP_S = 0.3
REPORT_S = 5.0
SETTLED_S = 120.0

_HIDDEN = {"shelved", "suppressed", "disabled"}
_LEGAL: Mapping[str, frozenset[str]] = {
    "normal": frozenset({"unacknowledged", "disabled", "suppressed", "shelved"}),
    "unacknowledged": frozenset({"acknowledged", "cleared, not acknowledged", "normal", *_HIDDEN}),
    "acknowledged": frozenset({"normal", "unacknowledged", *_HIDDEN}),
    "cleared, not acknowledged": frozenset({"normal", "unacknowledged", *_HIDDEN}),
    "shelved": frozenset(
        {"normal", "unacknowledged", "acknowledged", "cleared, not acknowledged", "disabled", "suppressed"}
    ),
    "suppressed": frozenset(
        {"normal", "unacknowledged", "acknowledged", "cleared, not acknowledged", *_HIDDEN}
    ),
    "disabled": frozenset(
        {"normal", "unacknowledged", "acknowledged", "cleared, not acknowledged", "shelved", "suppressed"}
    ),
}
"""The life of an alarm as section 8 of the spec tells it."""


UNDONE_S = 10.0
"""An acknowledgement that cannot be written is taken back at once."""


class OneOwner(Checker):
    """I07: one writer per instrument; its number grows; who has lost the lease sends nothing that energises."""

    id, name = "I07", "ONE-OWNER"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.folder: Path | None = None
        self._numbers: dict[str, int] = {}
        self._stolen: set[str] = set()

    def _read(self, instrument: str) -> dict[str, Any]:
        if self.folder is None:
            return {}
        name = hashlib.sha256(f"mem://{instrument}".encode()).hexdigest()[:20]
        try:
            content = json.loads((self.folder / f"{name}.lease").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def wire(self, note: WireNote) -> None:
        """Hear commands: each needs the lease; look at it when the process first uses an instrument."""
        if note.kind is not WireKind.ARRIVED or note.command not in ENERGISING:
            return
        self.checked += 1
        if note.instrument in self._stolen:
            self.flaw(f"{note.command} for {note.instrument}, whose lease somebody else holds")
        number = int(self._read(note.instrument).get("number", 0))
        if number == 0:
            self.flaw(f"{note.command} for {note.instrument} without a lease")

    def life_begins(self, life: int) -> None:
        """A new process takes leases of its own."""
        self._stolen.clear()

    def life_ends(self, life: int, how: str) -> None:
        """Compare the number with the one of the process before."""
        for entry in self.known.story.bench["instruments"]:
            number, before = (
                int(self._read(entry["name"]).get("number", 0)),
                self._numbers.get(entry["name"], 0),
            )
            if number and number <= before:
                self.flaw(
                    f"the lease of {entry['name']} has number {number}, the process before had {before}"
                )
            self._numbers[entry["name"]] = max(number, before)

    def try_second_owner(self, instrument: str) -> None:
        """Be a second station that wants the same instrument: it must be refused."""
        self.checked += 1
        if not self._read(instrument):
            return
        try:
            lease = Lease(f"mem://{instrument}", holder="a second station", folder=self.folder)
        except StoreError:
            return
        lease.release()
        self.flaw(f"a second station has got the lease of {instrument}")

    def steal(self, instrument: str) -> None:
        """Take the lease away by hand: the holder must notice before it energises anything."""
        content = self._read(instrument)
        if not content or self.folder is None:
            return
        content.update(number=int(content["number"]) + 1, holder="somebody by hand")
        name = hashlib.sha256(f"mem://{instrument}".encode()).hexdigest()[:20]
        path = self.folder / f"{name}.lease"
        path.unlink()
        path.write_text(json.dumps(content), encoding="utf-8")
        self._stolen.add(instrument)


class AlarmLives(Checker):
    """I16: only legal transitions; no open alarm is lost over a restart; acknowledged by a named person."""

    id, name = "I16", "ALARM-LIFECYCLE"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._now: dict[str, Mapping[str, Any]] = {}
        self._changed_s: dict[str, float] = {}
        self._before: dict[str, str] = {}
        self._died_s = 0.0
        self._acks: set[str] = set()
        self._unsure: set[str] = set()

    def acknowledged(self, key: str) -> None:
        """Hear that a person acknowledges an alarm."""
        self._acks.add(key)

    def published(self, feed: Feed, topic: str, key: str, data: Mapping[str, Any] | None) -> None:
        """Follow each alarm."""
        if topic != "alarm":
            return
        self.checked += 1
        before = self._now.get(key)
        if before is None and key in self._unsure:
            self._unsure.discard(key)
            before = data
        old, new = str((before or {}).get("state", "normal")), str((data or {}).get("state", "normal"))
        if old != new:
            if new not in _LEGAL.get(old, frozenset()):
                self.flaw(f"alarm {key} went from {old} to {new}")
            acknowledged = key in self._acks
            if new == "acknowledged" and not acknowledged and old != "shelved" and old not in _HIDDEN:
                self.flaw(f"alarm {key} is acknowledged by nobody")
            if (
                new == "unacknowledged"
                and old == "acknowledged"
                and not self._may_ask_again(key, before or {}, data or {})
            ):
                self.flaw(f"alarm {key} asks again for what a person has seen, and is no more urgent")
            if new == "normal" and old == "cleared, not acknowledged" and not acknowledged:
                self.flaw(f"alarm {key} is gone without an acknowledgement")
        if new in ("shelved", "suppressed") and (data or {}).get("priority") == "critical":
            self.flaw(f"the CRITICAL alarm {key} is {new}")
        if new == "acknowledged" and (data or {}).get("acknowledged_by") not in PERSONS:
            self.flaw(f"alarm {key} is acknowledged by {(data or {}).get('acknowledged_by')!r}")
        if data is None:
            self._now.pop(key, None)
            self._acks.discard(key)
        else:
            self._now[key] = dict(data)
            if new == "unacknowledged" and old == "normal":
                self._acks.discard(key)
        self._changed_s[key] = self.world.now_s
        self._before.pop(key, None)

    def _may_ask_again(self, key: str, before: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
        """Tell whether an alarm has become more urgent, or its acknowledgement of just now was refused by the disk."""
        rose = before.get("priority") != data.get("priority")
        return rose or self.world.now_s - self._changed_s.get(key, -1e9) < UNDONE_S

    def life_ends(self, life: int, how: str) -> None:
        """Remember what was open, and long enough to be durable."""
        self._died_s = self.world.now_s
        noisy = self.known.disturbed(self._died_s - 700.0, fids=("F18", "F19"))
        self._before = {
            key: str(data["state"])
            for key, data in self._now.items()
            if not noisy and self._changed_s[key] < self._died_s - 60.0 and data["state"] not in _HIDDEN
        }
        self._unsure = {key for key in self._changed_s if key not in self._before}
        self._now = {key: data for key, data in self._now.items() if key in self._before}

    def passed(self, bench_s: float) -> None:
        """Two minutes after a restart, every alarm that was open must have been heard of again."""
        if self._before and not self.world.dead and bench_s > self.world.life_began_s + SETTLED_S:
            if self.world.life_began_s >= self._died_s:
                for key, state in self._before.items():
                    self.flaw(f"alarm {key} was {state} before the restart and is lost")
            self._before = {}


class StopDominates(Checker):
    """I20: after STOP ALL no energising command leaves until a person releases it, restarts included."""

    id, name = "I20", "STOP-DOMINATES"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.active = False
        self._asked_s = 0.0
        self._returned = True
        self._first: dict[str, float] = {}
        self._judged = True

    def begin(self) -> None:
        """Hear that a person presses the button."""
        self.active, self._returned, self._judged = True, False, False
        self._asked_s = self.world.now_s
        self._first.clear()

    def returned(self) -> None:
        """Hear that the report is there."""
        self._returned = True
        self.checked += 1
        took_s = self.world.now_s - self._asked_s
        noisy = self.known.disturbed(self._asked_s - 700.0)
        if took_s > REPORT_S + 1e-6 and not noisy:
            self.flaw(f"the report of stop all took {took_s:.1f} s")
        for entry in self.known.story.bench["instruments"]:
            first_s = self._first.get(entry["name"])
            late = first_s is None or first_s - self._asked_s > FIRST_STOP_S
            if late and not noisy and self.world.link_is_up(entry["name"]):
                self.flaw(f"stop all: no stop for {entry['name']} within {FIRST_STOP_S:g} s")

    def end(self) -> None:
        """Hear that a person releases it."""
        self.active = False

    def wire(self, note: WireNote) -> None:
        """Hear commands."""
        if note.kind is WireKind.SENT and note.command in STOPPING and note.instrument not in self._first:
            self._first[note.instrument] = note.at_s
        if self.active and note.kind is WireKind.SENT and note.command in ENERGISING:
            self.flaw(
                f"{note.command} for {note.instrument}:{','.join(note.places)} while stop all is in force"
            )

    def life_ends(self, life: int, how: str) -> None:
        """A process that died before it could answer has promised nothing."""
        if not self._returned:
            self.active, self._returned, self._judged = False, True, True

    def passed(self, bench_s: float) -> None:
        """Look whether everything stands, once links have been up for a while."""
        since_s = max(self._asked_s, self.world.life_began_s)  # a new process needs time to open its links
        if self._judged or not self.active or bench_s < since_s + SETTLED_S:
            return
        if self.world.dead or self.known.disturbed(bench_s - SETTLED_S):
            return
        self._judged = True
        for channel in self.known.story.channels:
            self.checked += 1
            truth = self.world.truth(str(channel))
            if truth["status"] == "working" and not truth["barcode"].startswith("stranger"):
                self.flaw(f"{channel} still works {bench_s - self._asked_s:.0f} s after stop all")


class BoundedFeed(Checker):
    """I14: the feed keeps a bounded number of deltas."""

    id, name = "I14", "BOUNDED"

    def published(self, feed: Feed, topic: str, key: str, data: Mapping[str, Any] | None) -> None:
        """Ask, now and then, for more than anybody may keep."""
        if feed.number > DELTAS_KEPT_MAX and feed.number % 1000 == 0:
            self.checked += 1
            if feed.since(feed.number - DELTAS_KEPT_MAX) is not None:
                self.flaw(f"the feed keeps more than {DELTAS_KEPT_MAX} deltas")


class Tape(Checker):
    """I19: keeps what the wires and the record saw, to be compared with the same story under other clients."""

    id, name = "I19", "GUI-INDEPENDENT"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._wires: dict[str, Any] = {}
        self._rows: dict[str, Any] = {}

    def wire(self, note: WireNote) -> None:
        """Note a request with its moment."""
        if note.kind is WireKind.SENT:
            text = f"{note.at_s:.6f} {note.command} {','.join(note.places)} {note.size};"
            self._wires.setdefault(note.instrument, hashlib.sha256()).update(text.encode())

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Note rows."""
        self.checked += 1
        found = self._rows.setdefault(run_id, hashlib.sha256())
        for name in ("sequence", "voltage_volt", "current_ampere", "test_time_second"):
            found.update(block[name].tobytes())

    def summary(self) -> dict[str, str]:
        """Return a hash of each wire and of each run's rows."""
        return {name: found.hexdigest() for name, found in sorted({**self._wires, **self._rows}.items())}
