"""Which sound an alarm makes: different for each priority, none where it is muted or has been acknowledged."""

from __future__ import annotations

from collections.abc import Callable

from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.words import tr
from labctl.model.alarm import AlarmPriority, AlarmState

BEEPS = {AlarmPriority.CRITICAL: 3, AlarmPriority.HIGH: 2, AlarmPriority.MEDIUM: 1, AlarmPriority.LOW: 0}
"""How many short tones announce an alarm."""
AGAIN_S = 30.0
"""A CRITICAL alarm that nobody has acknowledged is heard again (link time)."""


class Sounds:
    """Listens to the alarms and plays. ``play`` makes so many short tones; ``keep`` remembers mute for the person."""

    def __init__(
        self,
        lab: Lab,
        play: Callable[[int], None],
        *,
        muted: bool,
        keep: Callable[[bool], None] = lambda muted: None,
    ) -> None:
        self._lab = lab
        self._play = play
        self._keep = keep
        self._known: dict[str, AlarmPriority] = {}
        self._played_s = float("-inf")
        self._watchers: list[Callable[[], None]] = []
        self.muted = muted
        self._unwatch = lab.watch({"alarm"}, self._changed)

    def close(self) -> None:
        """Listen no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` when sound is muted or on again; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def set_muted(self, muted: bool) -> None:
        """Mute, or let sound again; kept for the person."""
        self.muted = muted
        self._keep(muted)
        for observer in tuple(self._watchers):
            observer()

    @property
    def word(self) -> str:
        """Return how it stands, for the button that shows it."""
        return tr("sound", "sound off") if self.muted else tr("sound", "sound on")

    def _unseen(self) -> dict[str, AlarmPriority]:
        return {
            key: alarm.priority for key, alarm in self._lab.alarms.items() if alarm.state is AlarmState.UNACK
        }

    def _changed(self, places: frozenset[Place]) -> None:
        unseen = self._unseen()
        new = [priority for key, priority in unseen.items() if self._known.get(key) is not priority]
        self._known = unseen
        self._sound(max((BEEPS[priority] for priority in new), default=0))

    def tick(self) -> None:
        """Sound again for a CRITICAL alarm that nobody has acknowledged; called about twice a second."""
        critical = AlarmPriority.CRITICAL in self._known.values()
        if critical and self._lab.now_s - self._played_s >= AGAIN_S:
            self._sound(BEEPS[AlarmPriority.CRITICAL])

    def _sound(self, beeps: int) -> None:
        if beeps and not self.muted:
            self._played_s = self._lab.now_s
            self._play(beeps)
