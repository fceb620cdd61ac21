"""Who pauses a run: a person here, now or at the end of a step; the program; somebody at the tester.

Kept beside the phase, because a run that is paused may also be out of sight, or be taken up by another process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labctl.engine.machines.life import Phase
from labctl.model.bench import NOBODY, HeldHow, Holding

_ENDING = frozenset({Phase.STOPPING, Phase.DRAINING, Phase.ENDED})


@dataclass(slots=True)
class Pause:
    """The pause of one run: asked for, and come."""

    wanted: bool = False
    """A person here has asked the device for a pause that has not come yet."""
    rows: int = 0
    """Device rows when the pause was seen: more of them end it."""
    asked: Holding = NOBODY
    come: Holding = NOBODY
    _since_utc: str = ""

    def ask(self, how: HeldHow, by: str, utc: str) -> None:
        """Know that a person asks for a pause."""
        self.asked = Holding(how, by, utc)

    def seen(self, utc: str, *, by_program: bool = False) -> bool:
        """Know that the device pauses; tell whether the program or a person here wanted that."""
        wanted, self.wanted = self.wanted or by_program, False
        if self.come.how is HeldHow.NONE:
            unasked = HeldHow.PROGRAM if by_program else HeldHow.INSTRUMENT
            holding = self.asked if self.asked.how is not HeldHow.NONE else Holding(unasked)
            self.come = replace(holding, utc=self._since_utc or utc)
        self.asked, self._since_utc = NOBODY, ""
        return wanted

    def over(self) -> None:
        """Know that the run goes on."""
        self.come, self._since_utc = NOBODY, ""

    def released(self) -> None:
        """Know that a person lets it go on: nothing that was asked for before counts any more."""
        self.over()
        self.asked = NOBODY

    def holding(self, phase: Phase) -> Holding:
        """Return who holds the run, or will at the end of the step."""
        if phase in _ENDING:
            return NOBODY
        if self.come.how is not HeldHow.NONE:
            return self.come
        return replace(self.asked, how=HeldHow.RESERVED) if self.asked.how is HeldHow.STEP_END else NOBODY

    def remember(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Know since when the run stands paused where an earlier process has seen it so."""
        last = next((event for event in reversed(events) if event.get("kind") == "phase"), None)
        if last is not None and last.get("new") in (Phase.PAUSED.value, Phase.DECIDING.value):
            self._since_utc = str(last.get("utc", ""))
