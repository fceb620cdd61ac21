"""One channel as a tile of the grid: every text ready to be painted (design, section 6). Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.allowed import UNSEEN, is_free, runs_now
from labctl.gui.viewmodels.figures import Figures
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.text import NONE, THIN, age, figures, moment, number, shared, short_clock
from labctl.gui.viewmodels.words import PRIORITY_MARKS, PriorityMark, StateWord, tr
from labctl.model.alarm import Alarm, AlarmPriority
from labctl.model.bench import ChannelStatus, HeldHow
from labctl.model.cell import CellKind
from labctl.model.handover import Stage

NAN = float("nan")
_RANK = {priority: index for index, priority in enumerate(AlarmPriority)}
_ALARM_WORDS: tuple[tuple[str, StateWord], ...] = (
    ("trip", words.TRIP), ("protect", words.PROTECTED), ("detect.short", words.SHORT), ("detect.", words.DEAD),
    ("instrument.unknown", words.UNKNOWN), ("held", words.HELD), ("contact.lost", words.HELD),
    ("cell.swapped", words.HELD), ("verify.failed", words.HELD),
)  # fmt: skip


_SENTENCE_WORDS = frozenset(word.word for word in (words.SOAKING, words.HELD, words.DRAINING, words.STOPPING))


class TileKind(StrEnum):
    """How a tile is drawn."""

    NORMAL = "normal"
    FREE = "free"  # no fill
    ABNORMAL = "abnormal"  # strip and edge in the alarm colour
    DOUBT = "doubt"  # stale, unknown: value muted, hatched


@dataclass(frozen=True, slots=True)
class Strip:
    """The head of an abnormal tile; ``blink`` is an unacknowledged CRITICAL."""

    priority: AlarmPriority
    mark: PriorityMark
    word: str
    reason: str
    blink: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """What is painted of a channel. ``fact`` stands in the place of the sparkline; empty: the sparkline is drawn.

    ``progress`` is 0 to 1, NaN for no bar. ``lines`` are the extra ones of size L. What is read out and shown on hover
    comes from ``told_of`` and ``hover_of`` when it is asked for.
    """

    channel: str
    label: str
    kind: TileKind
    glyph: str
    word: str
    token: str
    value: str
    unit: str
    muted: bool
    cell: str
    cycle: str
    fact: str
    progress: float
    hatched: bool = False
    strip: Strip | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voltage:
    """A voltage as the tile shows it."""

    number: str
    unit: str


def voltage_text(voltage_V: float, *, symmetric: bool) -> Voltage:
    """Return V with 3 decimals, or mV with 3 figures; the sign always for symmetric cells, whose rest is 0 V."""
    if not math.isfinite(voltage_V):
        return Voltage(NONE, "V")
    if symmetric and abs(voltage_V) < 0.9995:
        mV = voltage_V * 1e3
        return Voltage(number(mV, 1 if abs(mV) < 99.95 else 0, sign=True), "mV")
    return Voltage(number(voltage_V, 3, sign=symmetric), "V")


def is_symmetric(lab: Lab, status: ChannelStatus) -> bool:
    """Tell whether the cell in a channel rests at 0 V, by the registry."""
    cell = lab.cells.get(status.cell_id)
    return cell is not None and cell.kind is CellKind.SYMMETRIC


def state_word(lab: Lab, status: ChannelStatus) -> StateWord:
    """Return what a channel does, in one word."""
    if status.owner:
        return words.EIS
    if runs_now(status):
        if status.state == "running":
            return words.step_word(status.step_kind)
        if status.state == "deciding" and status.held_how is HeldHow.STEP_END:
            return words.PAUSED
        return words.channel_word(status.state)
    if is_free(status):
        return words.FREE
    if status.state == "idle":
        return words.LOADED
    return words.channel_word(status.state)


def worst(alarms: Sequence[Alarm]) -> Alarm | None:
    """Return the alarm that a person must see first: unseen before seen, higher before lower, older before newer."""
    asked = [alarm for alarm in alarms if alarm.state in UNSEEN and alarm.priority is not AlarmPriority.LOW]
    return min(asked, key=lambda alarm: (-_RANK[alarm.priority], alarm.since_utc), default=None)


def strip_of(lab: Lab, status: ChannelStatus, alarms: Sequence[Alarm]) -> Strip | None:
    """Return what makes a channel abnormal, None where nothing does: an unseen alarm, a latch, a doubtful state."""
    found = worst(alarms)
    if found is not None:
        word = next(
            (word for prefix, word in _ALARM_WORDS if found.definition.startswith(prefix)), words.WARN
        )
        doubt = status.state in ("unknown", "held") and word is words.WARN
        word = words.channel_word(status.state) if doubt else word
        blink = found.priority is AlarmPriority.CRITICAL and found.state in UNSEEN
        said = found.text_zh if found.text_zh and words.in_chinese() else found.text
        return Strip(found.priority, PRIORITY_MARKS[found.priority], word.word, said, blink)
    if status.tripped:
        mark = PRIORITY_MARKS[AlarmPriority.CRITICAL]
        return Strip(AlarmPriority.CRITICAL, mark, words.TRIP.word, status.tripped, False)
    if status.run_id and status.state in ("unknown", "held"):
        word = words.channel_word(status.state)
        reason = status.sentence or tr("tiles", "{age} old").format(age=age(lab.age_s(status.channel)))
        return Strip(AlarmPriority.HIGH, PRIORITY_MARKS[AlarmPriority.HIGH], word.word, reason, False)
    return None


def tile_of(
    lab: Lab, status: ChannelStatus, label: str, alarms: Sequence[Alarm] = (), cycles: Figures | None = None
) -> Tile:
    """Return the tile of a channel as it stands now."""
    word = state_word(lab, status)
    strip = strip_of(lab, status, alarms)
    stale = lab.stale(status.channel)
    doubt = status.state in ("stale", "unknown") or stale
    shown = voltage_text(status.voltage_V, symmetric=is_symmetric(lab, status))
    free = word is words.FREE and strip is None
    kind = (
        TileKind.ABNORMAL
        if strip
        else TileKind.FREE
        if free
        else TileKind.DOUBT
        if doubt
        else TileKind.NORMAL
    )
    if stale and status.state not in ("stale", "unknown") and not free:
        word = words.STALE
    cell = status.cell_id
    return Tile(
        channel=status.channel,
        label=label,
        kind=kind,
        glyph=word.glyph.value,
        word=word.short,
        token=word.token.value,
        value="" if free else shown.number,
        unit="" if free else shown.unit,
        muted=doubt,
        cell=cell,
        cycle=f"#{status.cycle}" if status.cycle and runs_now(status) else "",
        fact=_old(lab, status) if doubt and not free else _fact(lab, status, word),
        progress=_progress(status),
        hatched=doubt and not free,
        strip=strip,
        lines=_lines(status, cycles),
    )


def _old(lab: Lab, status: ChannelStatus) -> str:
    if math.isinf(lab.age_s(status.channel)):
        return tr("tiles", "not read yet")
    return tr("tiles", "{age} old").format(age=age(lab.age_s(status.channel)))


def _fact(lab: Lab, status: ChannelStatus, word: StateWord) -> str:
    """Return one short fact that says more than the sparkline would; empty where the sparkline says more."""
    if word is words.DONE and status.cycles:
        return tr("tiles", "{n} of {all}").format(n=status.cycle, all=status.cycles)
    if word is words.EIS:
        return _away(lab, status)
    if word is words.PAUSED:
        return by_whom(lab, status)
    if word is words.RESTING and math.isfinite(status.step_left_s):
        return tr("tiles", "{time} left").format(time=short_clock(status.step_left_s))
    if word is words.LOADED:
        return tr("tiles", "ready") if status.ready else tr("tiles", "not released")
    if word.word in _SENTENCE_WORDS or math.isnan(status.voltage_V):
        return status.sentence
    if status.lane and not runs_now(status):
        return status.lane
    return ""


def _away(lab: Lab, status: ChannelStatus) -> str:
    """Return what a cell does between its channel and a potentiostat; what a person must do goes before."""
    handover = lab.handovers.get(status.run_id)
    if handover is None:
        return f"→ {status.owner}" if status.owner else ""
    if handover.asked:
        return tr("tiles", "move leads")
    if handover.stage is Stage.QUEUED:
        return tr("tiles", "waits: {name}").format(name=handover.potentiostat)
    back = handover.stage in (Stage.TO_CYCLER, Stage.CHECKING_BACK)
    return f"← {handover.potentiostat}" if back else f"→ {handover.potentiostat}"


def by_whom(lab: Lab, status: ChannelStatus) -> str:
    """Return who holds a run and since when; empty where nothing does."""
    if status.held_how is HeldHow.NONE:
        return ""
    when = moment(utc_of(status.held_utc), lab.plant_utc)
    if status.held_by:
        return tr("tiles", "op: {name}, {time}").format(name=status.held_by, time=when)
    if status.held_how is HeldHow.PROGRAM:
        return tr("tiles", "program, {time}").format(time=when)
    if status.held_how is HeldHow.INSTRUMENT:
        return tr("tiles", "at the tester, {time}").format(time=when)
    return tr("tiles", "by a person, {time}").format(time=when)


def _progress(status: ChannelStatus) -> float:
    """Return how much of the step is over, where time alone ends it."""
    whole_s = status.step_time_s + status.step_left_s
    return status.step_time_s / whole_s if runs_now(status) and whole_s > 0 else NAN


def _lines(status: ChannelStatus, cycles: Figures | None) -> tuple[str, ...]:
    """Return what size L adds: protocol, cycle n of N, efficiency."""
    lines = [status.protocol]
    if status.cycles:
        lines.append(tr("tiles", "cycle {n} of {all}").format(n=status.cycle, all=status.cycles))
    if cycles is not None and math.isfinite(cycles.efficiency):
        lines.append(f"CE {figures(cycles.efficiency * 100.0, 4)} %")
    return tuple(line for line in lines if line)


def is_coarse(status: ChannelStatus) -> bool:
    """Tell whether values are live readings, coarser than a record; those of a run are its last record's."""
    return not status.run_id


def _cell_of(status: ChannelStatus) -> str:
    """Return a cell's id and, where it has one of its own, its name."""
    named = status.cell_name and status.cell_name != status.cell_id
    return f"{status.cell_id}  {status.cell_name}" if named else status.cell_id


def hover_of(lab: Lab, status: ChannelStatus) -> str:
    """Return each number with unit, quality and age (U22), one a line."""
    stale = status.state in ("stale", "unknown") or lab.stale(status.channel)
    age_text = age(lab.age_s(status.channel))
    live = tr("tiles", "coarse: live reading, less fine than the record")
    quality = tr("tiles", "STALE") if stale else live if is_coarse(status) else tr("tiles", "last record")
    lines = [f"{status.channel}  {_cell_of(status)}".rstrip(), state_word(lab, status).told]
    for value, text in (
        (status.voltage_V, f"V {number(status.voltage_V, 4)}{THIN}V"),
        (status.current_A, f"I {shared(status.current_A, 'A')}"),
        (status.temperature_degC, f"T {number(status.temperature_degC, 2)}{THIN}°C"),
    ):
        if math.isfinite(value):
            lines.append(f"{text} · {quality} · {age_text}")
    if status.step_number and status.step_kind:
        told = tr("tiles", "step {n} of {all}: {kind}")
        lines.append(told.format(n=status.step_number, all=status.steps, kind=status.step_kind))
    if status.held_how is HeldHow.RESERVED:
        lines.append(tr("tiles", "pauses at the end of the step ({who})").format(who=by_whom(lab, status)))
    elif status.held_how is not HeldHow.NONE:
        lines.append(tr("tiles", "paused: {who}").format(who=by_whom(lab, status)))
    if status.sentence:
        lines.append(status.sentence)
    if status.ends is not None and (end := utc_of(status.ends.end_utc)) is not None:
        left_s = (end - lab.plant_utc).total_seconds()
        told = tr("tiles", "ends {when}, {left} left ({basis})")
        lines.append(
            told.format(when=moment(end, lab.plant_utc), left=short_clock(left_s), basis=status.ends.basis)
        )
    return "\n".join(lines)


def told_of(lab: Lab, status: ChannelStatus, tile: Tile) -> str:
    """Return what a screen reader says of a tile."""
    strip = tile.strip
    parts = [tile.label, tile.cell, strip.word if strip else "", state_word(lab, status).told]
    parts += [f"{tile.value} {tile.unit}".strip(), strip.reason if strip else "", tile.fact]
    return ", ".join(part for part in parts if part)
