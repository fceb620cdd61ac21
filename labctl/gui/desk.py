"""What stands behind the window once it is painted: lab, acts and bridge, and the news between them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from labctl.clock import link_now_s, utc_now
from labctl.gui.i18n import translating
from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.stopall import stop_all
from labctl.gui.qt_bridge import Bridge, Connect
from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.acts import Acts, ActState, Trouble, outcome
from labctl.gui.viewmodels.batches import Batch
from labctl.gui.viewmodels.lab import Lab

if TYPE_CHECKING:
    from labctl.model.bench import StationInfo, StopAll
    from labctl.model.cell import Cell

STOP_REASON = "Stop all outputs in the window"
REGISTRY_KINDS = ("cell.", "batch.", "electrode.")


class Desk(QObject):
    """One per window. ``changed`` follows each batch, with the places that changed."""

    changed = Signal(object)
    stopped = Signal(object)
    """A ``StopAll``: what became of Stop all outputs."""
    troubled = Signal(object)
    """A ``Trouble`` that no view has taken."""

    def __init__(self, connect: Connect, parent: QObject | None = None) -> None:
        super().__init__(parent)
        words.translate = translating.tr
        self.lab = Lab(link_now_s, utc_now)
        self.bridge = Bridge(connect, self)
        self.acts = Acts(self.bridge, link_now_s)
        self._cells_asked = self._cells_under_way = self._cells_again = self._spectra_asked = False
        self.bridge.arrived.connect(self._take)
        self.bridge.informed.connect(self._take_info)
        self.bridge.stop_late.connect(self._tell_stopped)
        self.bridge.stop_lost.connect(self._tell_lost)
        self.lab.watch(("link", "event", "station"), self._look)
        stop_all().connect_to(self.stop)

    def start(self) -> None:
        """Begin to connect."""
        self.bridge.start()

    def close(self) -> bool:
        """Hang up; False where a thread does not end."""
        stop_all().disconnect_from(self.stop)
        return self.bridge.close()

    # -- what comes -------------------------------------------------------------------------------------------------

    @Slot(object)
    def _take(self, batch: Batch) -> None:
        try:
            self.lab.apply(batch)
        finally:
            self.changed.emit(batch)

    @Slot(object)
    def _take_info(self, info: StationInfo) -> None:
        self.lab.take_info(info)

    def _look(self, places: frozenset[tuple[str, str]]) -> None:
        topics = {topic for topic, _ in places}
        registry = any(topic == "event" and key.startswith(REGISTRY_KINDS) for topic, key in places)
        if "link" in topics and self.lab.link.live and not self._spectra_asked:
            self._spectra_asked = True
            self.bridge.ask(
                "spectra.list", then=self.lab.take_spectra, failed=self._spectra_failed, deadline_s=30.0
            )
        if ("link" in topics and self.lab.link.live and not self._cells_asked) or registry:
            self._ask_cells()
        if not self.lab.link.live:
            self._cells_asked = self._spectra_asked = False

    def _ask_cells(self) -> None:
        if self._cells_under_way:  # an import tells of each cell: once more behind it is enough
            self._cells_again = True
            return
        self._cells_asked = self._cells_under_way = True
        self._cells_again = False
        self.bridge.ask("cells.list", then=self._take_cells, failed=self._cells_failed, deadline_s=30.0)

    def _take_cells(self, cells: Collection[Cell]) -> None:
        self._cells_under_way = False
        if self._cells_again:
            self._ask_cells()
        self.lab.take_cells(cells)

    def _cells_failed(self, trouble: Trouble) -> None:
        self._cells_asked = self._cells_under_way = self._cells_again = False
        self.lab.problems.append(str(trouble))

    def _spectra_failed(self, trouble: Trouble) -> None:
        self._spectra_asked = False  # asked again with the next news of the link
        self.lab.problems.append(str(trouble))

    # -- stop all ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop all outputs, now."""
        self.bridge.stop_all(STOP_REASON, self._tell_stopped, self._tell_not_stopped)

    @Slot(object)
    def _tell_stopped(self, answer: StopAll) -> None:
        state, text = outcome("station.stop_all", answer)
        good = state is ActState.CONFIRMED
        stop_all().show(
            Phase.CONFIRMED if good else Phase.TROUBLE,
            translating.tr("stop", "confirmed") if good else translating.tr("stop", "not confirmed"),
        )
        self.lab.stop_all = answer
        if not good:
            what = translating.tr("stop", "Stop all outputs is not confirmed")
            next_text = translating.tr("stop", "Switch these off at the instrument.")
            self.troubled.emit(Trouble(what, text, next_text))
        self.stopped.emit(answer)

    @Slot(object)
    def _tell_lost(self, trouble: Trouble) -> None:
        """Say that a stop, told as not confirmed before, is tried no more."""
        what = translating.tr("stop", "Stop all outputs was not answered; it is tried no more")
        next_text = translating.tr("stop", "Switch off at the instruments, or press it again.")
        self.troubled.emit(Trouble(what, trouble.why, next_text, trouble.details, trouble.kind))

    def _tell_not_stopped(self, trouble: Trouble) -> None:
        stop_all().show(Phase.TROUBLE, translating.tr("stop", "not confirmed"))
        what = translating.tr("stop", "Stop all outputs is not confirmed")
        next_text = translating.tr("stop", "It is still tried. Switch off at the instruments.")
        self.troubled.emit(Trouble(what, trouble.why, next_text, trouble.details, trouble.kind))
