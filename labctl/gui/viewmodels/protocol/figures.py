"""Figures and words about the open protocol: the strip's facts, when a start now would end, problems of both checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from labctl.gui.viewmodels import text as words_of
from labctl.gui.viewmodels.protocol.editor import Editor
from labctl.gui.viewmodels.protocol.judging import Problem
from labctl.gui.viewmodels.words import tr

HOURS_BOTH = 100.0
"""From here on a duration is told in hours and in days: people of this trade count cycles in hours."""


def hours(time_s: float) -> str:
    """Return a duration as this trade counts it: ``12 h 20 min``, ``506 h``; never in days."""
    return words_of.duration(time_s) if time_s < HOURS_BOTH * 3600 else f"{time_s / 3600:.0f}{words_of.THIN}h"


def long_time(time_s: float) -> str:
    """Return a duration: ``61 h 20 min``, and ``512 h (21.3 d)`` where it is long."""
    days = f" ({time_s / 86_400.0:.1f}{words_of.THIN}d)" if time_s >= HOURS_BOTH * 3600 else ""
    return hours(time_s) + days


def facts(editor: Editor) -> Mapping[str, str]:
    """Return duration, rows, disk and throughput of the last check that could tell them."""
    needs = editor.needs
    if needs is None:
        return {}
    said = editor.station_says
    time_s = said.duration_s if said is not None and said.duration_s else needs.time_s
    rows = said.rows if said is not None and said.rows else needs.rows
    size = said.bytes_on_disk if said is not None and said.bytes_on_disk else needs.bytes
    found = {
        "time": long_time(time_s) if needs.bounded else f"> {long_time(time_s)}",
        "rows": words_of.count(round(rows)), "disk": words_of.quantity(size, "B", digits=2),
    }  # fmt: skip
    if needs.charge_Ah and editor.cell is not None:
        area_cm2 = editor.cell.effective_area_cm2
        charge = (needs.charge_Ah, "Ah") if not area_cm2 else (needs.charge_Ah / area_cm2, "Ah/cm²")
        found["charge"] = words_of.quantity(*charge, digits=3)
    return found


def end_words(editor: Editor, now: datetime | None = None, zone: tzinfo | None = None) -> str:
    """Return when a start now would be over; empty where nobody knows."""
    needs = editor.needs
    now = now or editor.now()
    if needs is None or now is None or not needs.bounded:
        return ""
    end = words_of.iso_local(now + timedelta(seconds=needs.time_s), zone=zone)
    return tr("protocolfigures", "start now: ends {end}").format(end=end[:16].replace("T", " "))


def in_use_words(editor: Editor, seen: int) -> str:
    """Return who runs or waits with the protocol and on which revision; ``seen`` counts runs where nobody told more."""
    counts = Counter(use.revision for use in editor.remote.uses)
    number = sum(counts.values()) or seen
    if not number:
        return ""
    stay = tr("protocolfigures", "in use by {n} jobs (they stay on their revision)").format(n=number)
    told = ", ".join(f"rev {revision}: {count}" for revision, count in sorted(counts.items()) if revision)
    return f"{stay}: {told}" if told else stay


def based_words(editor: Editor, seen: int) -> str:
    """Return what the open text is based on, and who uses the protocol."""
    origin, parts = editor.origin, []
    if origin.read_only:
        parts.append(tr("protocoleditor", "read-only; an edit is saved under a name of your own"))
    elif origin.revision:
        base = (
            tr("protocoleditor", "based on rev {n}")
            if editor.changed
            else tr("protocoleditor", "revision {n}")
        )
        parts.append(base.format(n=origin.revision))
        if origin.by and not editor.changed:
            parts.append(f"{origin.by} {origin.utc[:16].replace('T', ' ')}")
    elif origin.source:
        parts.append(tr("protocoleditor", "copy of {name}, never saved").format(name=origin.source))
    else:
        parts.append(tr("protocoleditor", "never saved"))
    used = in_use_words(editor, seen)
    return ", ".join([*parts, used] if used else parts)


def problems(editor: Editor) -> tuple[Problem, ...]:
    """Return what is wrong: an unreadable text first, then the check, then what the station says for the cell."""
    trouble = editor.document.trouble
    found = list(editor.judgement.problems)
    if trouble is not None:
        fix = tr("protocolfigures", "Mend the text, or undo.")
        found = [Problem(trouble.problem, fix, True, trouble.line)]
    known = " ".join(item.text for item in found)
    said = editor.station_says
    if said is not None and trouble is None:
        for text, is_error in [(text, True) for text in said.errors] + [
            (text, False) for text in said.warnings
        ]:
            words = text.split(": ", 1)[-1]
            if words[:60] not in known and not any(item.text and item.text in text for item in found):
                found.append(Problem(text, "", is_error, 0))
    return tuple(found)
