"""Cards of the plots: their heads, their menus (copy as image, vector, data), what they draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QSizePolicy

from labctl.analysis.eis.kk import RMS_LIMIT
from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.plots.cursors import Reading
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.legend import LegendRow
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.menu import PlotMenu
from labctl.gui.viewmodels.eis.history import Drawn
from labctl.gui.viewmodels.eis.words import verdict
from labctl.gui.views.eis.curves import BodePlots, NyquistPlot, ResidualPlot
from labctl.model.impedance import KramersKronig

SEGMENT_PX = 28


class SpectrumCard(Card):
    """A card with plots of spectra. ``export_asked`` is Ctrl+E or the menu of a plot."""

    export_asked = Signal()

    def __init__(self) -> None:
        super().__init__("-", inset=0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.drawn: tuple[Drawn, ...] = ()
        self._frames: tuple[PlotFrame, ...] = ()
        self.more = Button(icon="dots-vertical", rank=Rank.QUIET, height_px=SEGMENT_PX)

    def frames(self) -> tuple[PlotFrame, ...]:
        """Return the plots of the card."""
        return self._frames

    def take_frames(self, *frames: PlotFrame) -> None:
        """Give the plots their menus; called once by each card when it has its plots."""
        self._frames = frames
        self._menus = [PlotMenu(frame, export=self.export_asked.emit) for frame in frames]
        self.more.clicked.connect(self._pop_up)
        self.head.addWidget(self.more)
        for frame in self.frames():
            frame.cursors_changed.connect(lambda reading, frame=frame: self._say(frame, reading))

    def _pop_up(self) -> None:
        self._menus[0].pop_up(self.more.mapToGlobal(QPoint(0, self.more.height())))

    @staticmethod
    def _say(frame: PlotFrame, reading: Reading | None) -> None:
        frame.set_words(note="" if reading is None else frame.reading_text(reading))

    def show_spectra(self, drawn: Sequence[Drawn]) -> None:
        """Draw spectra."""
        self.drawn = tuple(drawn)

    def set_look(self, look: PlotLook) -> None:
        """Follow theme and scale."""
        for frame in self.frames():
            frame.set_look(look)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.more.name_it(tr("eis", "Copy, save, axes"))


class NyquistCard(SpectrumCard):
    """The Nyquist plot with the choice of data alone or with the fitted circuit."""

    fit_wanted = Signal(bool)

    def __init__(self, look: PlotLook) -> None:
        super().__init__()
        self.plot = NyquistPlot(look)
        self.what = Segment("", (Choice("data", "data"), Choice("fit", "fit")), height_px=SEGMENT_PX)
        self.what.chosen.connect(lambda key: self.fit_wanted.emit(key == "fit"))
        self.view_all = Button(icon="fit-to-page-outline", rank=Rank.QUIET, keys="F", height_px=SEGMENT_PX)
        self.view_all.clicked.connect(self.plot.fit)
        self.head.addWidget(self.what)
        self.head.addWidget(self.view_all)
        self.body.addWidget(self.plot, 1)
        self.take_frames(self.plot)

    def show_spectra(self, drawn: Sequence[Drawn]) -> None:
        """Draw spectra; the circuit of the one that is looked at behind it."""
        super().show_spectra(drawn)
        self.plot.show_spectra(drawn)

    def show_fit(self, shown: bool) -> None:
        """Show which of both is chosen."""
        self.what.choose("fit" if shown else "data")

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.set_title("Nyquist")
        self.what.show_choices((Choice("data", tr("eis", "data")), Choice("fit", tr("eis", "fit"))))
        self.what.setAccessibleName(tr("eis", "What is drawn: the data alone, or with the fitted circuit"))
        self.view_all.setText(tr("eis", "Fit view"))
        self.plot.setAccessibleName(tr("eis", "Nyquist plot, both axes at one scale"))


class BodeCard(SpectrumCard):
    """|Z| and phase over the frequency."""

    def __init__(self, look: PlotLook) -> None:
        super().__init__()
        self.plots = BodePlots(look)
        self.body.addWidget(self.plots, 1)
        self.take_frames(*self.plots.frames())

    def show_spectra(self, drawn: Sequence[Drawn]) -> None:
        """Draw spectra."""
        super().show_spectra(drawn)
        self.plots.show_spectra(drawn)

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.set_title("Bode")
        self.plots.magnitude.setAccessibleName(tr("eis", "Size of the impedance over the frequency"))
        self.plots.phase.setAccessibleName(tr("eis", "Phase of the impedance over the frequency"))


class ResidualCard(SpectrumCard):
    """The residuals of the Kramers-Kronig test, with the verdict in words beside the title."""

    def __init__(self, look: PlotLook) -> None:
        super().__init__()
        self.legend = LegendRow(look)
        self.plot = ResidualPlot(look)
        self.head.addWidget(self.legend)
        self.body.addWidget(self.plot, 1)
        self.take_frames(self.plot)

    def set_look(self, look: PlotLook) -> None:
        """Follow theme and scale."""
        super().set_look(look)
        self.legend.set_look(look)

    def show_test(self, kk: KramersKronig | None, live: bool, awaited: bool) -> None:
        """Show a test; ``live``: of the points so far; ``awaited``: the station is at it."""
        columns = ((), (), ()) if kk is None else (kk.frequency_Hz, kk.residual_re, kk.residual_im)
        frequency_Hz, re, im = (np.asarray(one, dtype=np.float64) for one in columns)
        self.plot.show_residuals((frequency_Hz, re, im), kk, RMS_LIMIT)
        self.legend.show_entries(self.plot.legend())
        told = ""
        if awaited:
            told = tr("eis", "the station is testing …")
        elif self.drawn or kk is not None:
            told = verdict(kk, live=live)
        self.set_title(tr("eis", "Kramers–Kronig"), told)
        self.plot.setAccessibleName(f"{tr('eis', 'Kramers–Kronig residuals')} {told}".strip())

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.set_title(tr("eis", "Kramers–Kronig"), self.note.text())
