"""Checkers of what is told: I15 (no fault is swallowed) and I16 (legal lives of runs and alarms)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from labctl.clock import VIRTUAL_EPOCH_UNIX_S
from labctl.station.feed import Feed
from labctl.testing.faultworld import Injected
from labctl.testing.invariants import Checker, Known, RunView

LINK = frozenset({"link.lost", "link.back", "link.unknown"})
TROUBLE = frozenset({"store.trouble", "store.failed", "store.frozen", "left"})
TELLS: Mapping[str, frozenset[str]] = {
    "F01": LINK | {"start.unknown", "stop.unconfirmed", "reply.garbled", "poll.failed", "device.log.failed"},
    "F02": LINK | {"start.unknown", "stop.unconfirmed", "poll.failed", "device.log.failed"},
    "F05": LINK | {"start.unknown", "stop.unconfirmed", "reply.garbled", "poll.failed", "device.log.failed"},
    "F07": LINK,
    "F09": LINK,
    "F10": frozenset({"gap"}),
    "F11": frozenset({"counter.reset"}),
    "F19": TROUBLE,
    "F21": frozenset({"resumed"}),
    "F24": frozenset({"resumed"}),
    "F28": frozenset({"verify.failed", "held", "protect", "contact.lost", "limit.trip"}),
    "F41": LINK | {"start.unknown", "stop.unconfirmed", "start.adopted", "start.not_taken"},
    "F42": frozenset({"verify.failed", "held"}),
}
"""Kinds of events of which at least one must follow a fault that has met something."""
SHORT = frozenset({"F01", "F02", "F05", "F07", "F19", "F41"})
NOTICE_S = 1200.0
"""A fault must have had this long to be noticed before the story ended."""

LEGAL: Mapping[str, frozenset[str]] = {
    "prepared": frozenset({"waiting", "starting", "held", "ended", "stopping", "draining"}),
    "waiting": frozenset({"starting", "held", "ended"}),
    "starting": frozenset({"running", "unknown", "held", "stopping", "draining", "ended"}),
    "running": frozenset({"stale", "deciding", "held", "stopping", "draining", "paused"}),
    "paused": frozenset({"running", "stale", "unknown", "held", "stopping", "draining", "deciding"}),
    "stale": frozenset({"running", "unknown", "held", "stopping", "paused", "draining"}),
    "unknown": frozenset({"running", "starting", "held", "stopping", "draining", "paused"}),
    "deciding": frozenset({"starting", "held", "stopping", "draining"}),
    "held": frozenset({"stopping", "draining", "ended", "running"}),
    "stopping": frozenset({"draining", "held"}),
    "draining": frozenset({"ended", "held"}),
    "ended": frozenset(),
}
"""The life of a run as the spec tells it (sections 3, 5, 7)."""


class NoSilentFail(Checker):
    """I15: each fault leaves at least one event with its cause."""

    id, name = "I15", "NO-SILENT-FAIL"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._told: list[tuple[float, str]] = []

    def published(self, feed: Feed, topic: str, key: str, data: Mapping[str, Any] | None) -> None:
        """Note what every client was told: events and alarms."""
        if topic == "event" and data is not None:
            self._told.append((self.world.now_s, str(data.get("kind"))))
        elif topic == "alarm" and data is not None:
            self._told.append((self.world.now_s, str(data.get("definition"))))
        elif topic == "instrument" and data is not None and data.get("link") in ("stale", "unknown"):
            self._told.append((self.world.now_s, "link.lost"))

    def at_end(self) -> None:
        """Look for the event of each fault that has met something."""
        events: dict[str, list[tuple[float, str]]] = {}
        for run_id in self.known.runs:
            events[run_id] = [
                (_plant_s(event), str(event.get("kind"))) for event in self.known.reader(run_id).events()
            ]
        for fault in self.world.faults:
            wanted = TELLS.get(fault.fid)
            if wanted is None or not fault.hit or self.world.now_s < fault.until_s + NOTICE_S:
                continue
            if fault.fid in SHORT and any(
                fault.at_s <= died_s <= fault.until_s + 60.0 + self._slept_s(fault)
                for died_s in self.world.deaths_s
            ):
                continue  # the process was dead before it could know
            concerned = [run for run in self.known.runs.values() if self._concerns(fault, run)]
            if not concerned:
                continue
            self.checked += 1
            behind_s = sum(  # a computer that has slept is behind the bench
                other.until_s - other.at_s
                for other in self.world.faults
                if other.fid == "F16" and other.life == fault.life and other.at_s <= fault.at_s
            )
            begin_s = fault.at_s - self.known.poll_s - behind_s - 1.0
            end_s = fault.until_s + NOTICE_S + self._slept_s(fault)
            if fault.fid not in SHORT:
                end_s = math.inf
            told = any(
                kind in wanted and (at_s < 0.0 or begin_s <= at_s <= end_s)
                for run in (concerned if fault.channel else self.known.runs.values())
                for at_s, kind in events[run.run_id]
            ) or any(
                kind in wanted and fault.at_s <= at_s <= fault.until_s + NOTICE_S + self._slept_s(fault)
                for at_s, kind in self._told
            )
            if not told:
                self.flaw(
                    f"{fault.fid} ({fault.what}) at {fault.at_s:.0f} s left no event of {sorted(wanted)}"
                )

    def _slept_s(self, fault: Injected) -> float:
        """Return how long the computer slept meanwhile: nobody notices anything then."""
        return sum(
            other.until_s - other.at_s
            for other in self.world.faults
            if other.fid == "F16" and other.at_s <= fault.until_s + NOTICE_S and other.until_s >= fault.at_s
        )

    def _concerns(self, fault: Injected, run: RunView) -> bool:
        """Tell whether a run was being followed when the fault came and long enough after it."""
        if fault.channel and fault.channel != run.channel:
            return False
        if fault.instrument and fault.instrument != run.instrument:
            return False
        if not run.phases or run.phases[0][0] > fault.at_s or run.last_row_s < fault.until_s:
            return (
                fault.fid in ("F28", "F42")
                and bool(run.phases)
                and run.phases[0][0] < fault.at_s < run.last_row_s
            )
        if fault.fid == "F11":
            return run.last_row_s > fault.at_s + 900.0
        return fault.fid not in ("F28", "F42")


def _plant_s(event: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(event["utc"])).timestamp() - VIRTUAL_EPOCH_UNIX_S
    except (KeyError, ValueError):
        return -1.0


class LegalLives(Checker):
    """I16: only legal transitions. Runs here; alarms where the station keeps them."""

    id, name = "I16", "ALARM-LIFECYCLE"

    def __init__(self, known: Known) -> None:
        super().__init__(known)

    def at_end(self) -> None:
        """Follow the phases that each run's folder tells."""
        for run_id in self.known.runs:
            for event in self.known.reader(run_id).events():
                if event.get("kind") == "phase":
                    self.checked += 1
                    old, new = str(event.get("old")), str(event.get("new"))
                    if new not in LEGAL.get(old, frozenset()):
                        self.flaw(f"{run_id} went from {old} to {new}")


class OwnAsserts(Checker):
    """Production asserts (P7): a broken invariant that the station itself has found, where no fault explains it."""

    id, name = "I00", "OWN-ASSERTS"

    def at_end(self) -> None:
        """Look for events that name an invariant or a bug of ours."""
        for run_id in self.known.runs:
            for event in self.known.reader(run_id).events():
                text = str(event.get("text", ""))
                self.checked += 1
                if "internal error" in text:
                    self.flaw(f"{run_id}: {text}", "I15")
                elif (
                    event.get("kind") == "held"
                    and text[:1] == "I"
                    and text[3:4] == ":"
                    and not self._explained(text)
                ):
                    self.flaw(f"{run_id}: {text}", text[:3])

    def _explained(self, text: str) -> bool:
        return self.known.disturbed(0.0, fids=("F27", "F29", "F08"))
