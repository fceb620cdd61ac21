"""The weekly figures of the alarm system: how many, how bunched, how stale, how soon seen (section 8)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from labctl.engine.machines.alarmterms import Change
from labctl.model.alarm import Alarm, AlarmState

DAYS = 7
STALE_H = 24.0
WORST = 10
AIM_PEAK = 10
AIM_STALE = 5
ACKNOWLEDGEMENTS_MAX = 2_000
"""Times to acknowledge that are kept: enough for a week of an alarm every five minutes."""


class AlarmFigures:
    """Counts new alarms of the last seven days, by UTC day and by ten minutes."""

    def __init__(self) -> None:
        self._tens: Counter[str] = Counter()  # "2026-01-31T23:5" is ten minutes
        self._keys: dict[str, Counter[str]] = {}  # per day
        self._waits_s: deque[tuple[str, float]] = deque(maxlen=ACKNOWLEDGEMENTS_MAX)

    def note(self, change: Change) -> None:
        """Take a change of an alarm."""
        alarm, utc = change.alarm, change.alarm.changed_utc
        if change.announce:
            day = utc[:10]
            if day not in self._keys:
                self._keys[day] = Counter()
                self._prune(utc)
            self._tens[utc[:15]] += 1
            self._keys[day][alarm.key] += 1
        if change.what == "acknowledged" and alarm.since_utc:
            waited_s = (datetime.fromisoformat(utc) - datetime.fromisoformat(alarm.since_utc)).total_seconds()
            self._waits_s.append((utc[:10], max(0.0, waited_s)))

    def _prune(self, utc: str) -> None:
        first = (datetime.fromisoformat(utc) - timedelta(days=DAYS - 1)).date().isoformat()
        self._keys = {day: keys for day, keys in self._keys.items() if day >= first}
        self._tens = Counter({ten: count for ten, count in self._tens.items() if ten[:10] >= first})

    def report(self, alarms: Iterable[Alarm], utc: str) -> dict[str, Any]:
        """Return the figures of the seven days that end at ``utc``."""
        self._prune(utc)
        now = datetime.fromisoformat(utc)
        standing = (AlarmState.UNACK, AlarmState.ACKED)
        stale = [
            alarm.key for alarm in alarms
            if alarm.state in standing and now - datetime.fromisoformat(alarm.since_utc) > timedelta(hours=STALE_H)
        ]  # fmt: skip
        total: Counter[str] = Counter()
        for keys in self._keys.values():
            total.update(keys)
        waits_s = [waited_s for day, waited_s in self._waits_s if day in self._keys]
        return {
            "per_day": {day: sum(keys.values()) for day, keys in sorted(self._keys.items())},
            "peak_per_10_min": max(self._tens.values(), default=0),
            "stale": stale,
            "worst": [{"key": key, "count": count} for key, count in total.most_common(WORST)],
            "acknowledged_after_s": {"median": median(waits_s), "longest": max(waits_s)} if waits_s else None,
            "aims": {"peak_per_10_min": AIM_PEAK, "stale": AIM_STALE},
        }

    def keep(self) -> dict[str, Any]:
        """Return the figures as they go into a snapshot."""
        return {"tens": dict(self._tens), "keys": {day: dict(keys) for day, keys in self._keys.items()}}

    def restore(self, kept: dict[str, Any]) -> None:
        """Take what ``keep`` gave."""
        self._tens = Counter(kept.get("tens", {}))
        self._keys = {day: Counter(keys) for day, keys in kept.get("keys", {}).items()}
