"""What opens by itself: the first-run page of an empty station, the recovery page where runs need a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labctl.gui.i18n.translating import tr

if TYPE_CHECKING:
    from labctl.gui.viewmodels.recovery import Recovery
    from labctl.gui.window import MainWindow

WITHIN_S = 120.0
"""How long after the first news of a station's life the recovery page may open by itself."""
CALM = ("", "station", "firstrun")
"""Views from which a person may be taken away."""


class Opener:
    """One per window, once per life of the station; ``look`` is called by the window's 2 Hz tick."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._epoch = ""
        self._since_s = 0.0
        self._first_done = self._recovery_done = False
        window.on_tick.append(self.look)

    def look(self) -> None:
        """Open what is needed now."""
        desk, context = self._window.desk, self._window.context
        if desk is None or context is None or not desk.lab.link.live or desk.lab.station is None:
            return
        station = desk.lab.station
        if station.epoch != self._epoch:
            self._epoch, self._since_s = station.epoch, desk.lab.now_s
            self._first_done = self._recovery_done = False
            self._recovery().refresh()
        if not station.ready:
            return
        if desk.lab.complete and not desk.lab.instruments and not self._first_done:
            self._first_done = True
            self._open("firstrun", "")
        late = desk.lab.now_s - self._since_s > WITHIN_S
        if not self._recovery_done and not late and self._recovery().needed:
            self._recovery_done = True
            self._open(
                "recovery", tr("window", "Runs need a person after a restart: open Recovery (Ctrl+K).")
            )

    def _recovery(self) -> Recovery:
        from labctl.gui.viewmodels.recovery import Recovery as Made

        context = self._window.context
        assert context is not None
        found: Recovery = context.share("recovery", lambda: Made(context.lab, context.acts))
        return found

    def _open(self, view_id: str, told: str) -> None:
        front = self._window.front
        if (front.spec.id if front is not None else "") in CALM:
            self._window.go(view_id)
        elif told:
            self._window.say(told)
