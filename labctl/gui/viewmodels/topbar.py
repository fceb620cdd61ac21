"""The frame's own texts: link and age, counters, disk, alarms by priority, clocks, the last event, the banner."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import tzinfo

from labctl.gui.viewmodels.allowed import is_free, runs_now
from labctl.gui.viewmodels.batches import LinkPhase
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.text import age, iso_local, iso_utc, moment, quantity
from labctl.gui.viewmodels.words import Glyph, Token, role_word, tr
from labctl.model.alarm import AlarmPriority

DAY_S = 86_400.0
RATE_LEAST_S = 600.0
"""Link seconds over which the disk is watched before days are told instead of bytes."""
LOOKS_KEPT = 500


@dataclass(frozen=True, slots=True)
class Bar:
    """The top bar and the status bar, ready to be painted. ``banner`` is empty while all is well (R13)."""

    station: str
    link: str
    link_glyph: str
    link_token: str
    running: int
    free: int
    held: int
    disk: str
    alarms: tuple[tuple[AlarmPriority, int], ...]
    person: str
    role: str
    banner: str
    stop_all: str
    last_event: str
    utc: str
    local: str
    bench_time: str
    virtual: bool


class TopBar:
    """Makes the bar; ``look`` at each tick, so that the disk's rate is known."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._looks: deque[tuple[float, int]] = deque(maxlen=LOOKS_KEPT)

    def look(self, zone: tzinfo | None = None) -> Bar:
        """Return the bar as it is now."""
        lab = self._lab
        running = free = held = 0
        for status in lab.channels.values():
            running += runs_now(status)
            free += is_free(status)
            held += status.state == "held" or bool(status.lane) or bool(status.tripped)
        link, info = lab.link, lab.station
        glyph = {LinkPhase.LIVE: Glyph.DONE, LinkPhase.CONNECTING: Glyph.STARTING}.get(
            link.state, Glyph.STALE
        )
        counts = lab.counts
        shown = ((AlarmPriority.CRITICAL, counts.critical), (AlarmPriority.HIGH, counts.high),
                 (AlarmPriority.MEDIUM, counts.medium), (AlarmPriority.LOW, counts.low))  # fmt: skip
        virtual = info is not None and info.virtual
        return Bar(
            tr("topbar", "no station") if info is None else info.name, self._link(), glyph.value,
            (Token.MUTED if link.live else Token.STALE).value, running, free, held, self._disk(), shown, lab.me.name,
            role_word(lab.me.role), self._banner(), self._stop_all(), self._last_event(), iso_utc(lab.utc),
            iso_local(lab.utc, zone=zone)[11:], iso_utc(lab.plant_utc) if virtual else "", virtual,
        )  # fmt: skip

    def _link(self) -> str:
        link = self._lab.link
        if link.state is LinkPhase.CONNECTING:
            return tr("topbar", "looking for the station")
        if link.state is LinkPhase.REFUSED:
            return tr("topbar", "not let in")
        return tr("topbar", "station {age}").format(age=age(link.age_s))

    def _banner(self) -> str:
        link = self._lab.link
        if link.state is LinkPhase.LOST:
            told = tr(
                "topbar",
                "No word from the station for {age}. Runs go on by themselves; edits are kept here. {why}",
            )
            return told.format(age=age(link.age_s), why=link.text).strip()
        return link.text if link.state is LinkPhase.REFUSED else ""

    def _stop_all(self) -> str:
        latch = self._lab.stop_all
        if not latch.active:
            return ""
        when = moment(utc_of(latch.since_utc), self._lab.utc)
        missing = sum(not report.confirmed for report in latch.reports)
        told = tr("topbar", "All outputs stopped by {name}, {when}.").format(name=latch.by or "?", when=when)
        if missing:
            told += " " + tr("topbar", "{n} not confirmed!").format(n=missing)
        return told

    def _disk(self) -> str:
        """Return how long the disk lasts at the rate seen, or how much is free while that is not known."""
        info = self._lab.station
        if info is None or info.free_bytes <= 0:
            return ""
        if not self._looks or self._looks[-1][1] != info.free_bytes:
            self._looks.append((self._lab.now_s, info.free_bytes))
        since_s, before = self._looks[0]
        span_s, used = self._lab.now_s - since_s, before - info.free_bytes
        if span_s >= RATE_LEAST_S and used > 0:
            days = info.free_bytes / (used / span_s) / DAY_S
            return (
                tr("topbar", "disk {n:.0f} d").format(n=days)
                if days < 3650
                else tr("topbar", "disk 10 years")
            )
        return tr("topbar", "disk {size}").format(size=quantity(float(info.free_bytes), "B", digits=3))

    def _last_event(self) -> str:
        if not self._lab.events:
            return ""
        event = self._lab.events[-1]
        where = cabinet(self._lab.channels).label(event.channel) if event.channel else ""
        head = f"{moment(utc_of(event.utc), self._lab.utc, seconds=True)} {where} {event.cell}"
        return " ".join(f"{head}: {event.text}".split())
