"""The plots of the EIS view: Nyquist, Bode, Kramers-Kronig residuals, and resistances over the cycles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.layouts import Column
from labctl.gui.plots.equal import EqualFrame, Intervals, LivePoint, NamedPoints
from labctl.gui.plots.fields import Field, cycle_number
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.layer import Layer
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.marks import LimitLine, LineKind, Note, TrendWindow
from labctl.gui.plots.sheet import align
from labctl.gui.plots.xy import XYCurve
from labctl.gui.theme.tokens import BESIDE_THE_RAMP
from labctl.gui.viewmodels.eis.history import Drawn, Track
from labctl.gui.viewmodels.eis.points import Floats
from labctl.gui.viewmodels.eis.words import Tested, frequency, scale_of, verdict_note

PAST_EVERY = 3
"""In the history only every third point is marked (design README 9)."""
PLOT_PX = 110
LEAST_PERCENT = 1.0
TRACK_NAMES = {"R_SEI": "R SEI", "R_ct": "R ct", "R_b": "R b"}


def colour_of(one: Drawn, look: PlotLook) -> str:
    """Return the colour of a spectrum: the ramp by age, the live sweep outside of it."""
    return BESIDE_THE_RAMP if one.live else look.cycle_colour(one.share)


def _curve(x: Floats, y: Floats, one: Drawn, look: PlotLook) -> XYCurve:
    """Return a spectrum's line with its points; behind a fitted circuit the points alone."""
    return XYCurve(
        x, y, name=one.name, colour=colour_of(one, look), line=not len(one.fitted),
        width_px=1.5 if one.chosen else 1.25, marker="o", filled=not one.chosen,
        marker_px=2.6 if one.chosen else 1.6, every=1 if one.chosen else PAST_EVERY,
    )  # fmt: skip


class NyquistPlot(EqualFrame):
    """-Z'' over Z', both axes at one scale."""

    def __init__(self, look: PlotLook) -> None:
        super().__init__(Field("Z′", "Ω"), Field("−Z″", "Ω"), look, name="Nyquist")
        self.setMinimumHeight(PLOT_PX)

    def show_spectra(self, drawn: Sequence[Drawn]) -> None:
        """Draw spectra; the range follows unless a person has chosen one."""
        look, layers = self.look, list[Layer]([LimitLine(0.0, LineKind.ZERO, fit=False)])
        size_ohm = max((float(one.points.size_ohm.max()) for one in drawn), default=1.0)
        unit = scale_of(size_ohm / 2.0, "ohm")
        self.set_fields(Field("Z′", unit.unit, 1.0 / unit.factor), Field("−Z″", unit.unit, 1.0 / unit.factor))
        for one in drawn:
            x, y = one.points.z_ohm.real, -one.points.z_ohm.imag
            if len(one.fitted):
                layers.append(XYCurve(one.fitted.z_ohm.real, -one.fitted.z_ohm.imag, predicted=True,
                                      name=tr("eis", "fitted circuit")))  # fmt: skip
            layers.append(_curve(x, y, one, look))
            if one.chosen:
                names = dict(
                    sorted(one.points.decades().items(), key=lambda item: one.points.frequency_Hz[item[0]])
                )
                if one.live:
                    names.pop(len(x) - 1, None)  # it is called "now"
                layers.append(NamedPoints(x, y, names, colour_of(one, look)))
            if one.live:
                f_Hz = float(one.points.frequency_Hz[-1])
                told = tr("eis", "now {f}").format(f=frequency(f_Hz))
                layers.append(LivePoint(float(x[-1]), float(y[-1]), told, colour_of(one, look)))
        layers.append(Note(tr("eis", "equal scale, 1 : 1, locked"), corner="tr"))
        self.clear()
        self.add(*layers)
        self.fit_unless_held()


class _LogPlot(PlotFrame):
    """A plot over frequency. New data fit it, unless a person has chosen the range."""

    def __init__(self, y_field: Field, look: PlotLook, *, log_y: bool = False, titled: bool = True) -> None:
        super().__init__(Field("f", "Hz"), y_field, look, x_title=titled, x_labels=titled)
        self.sheet.log_x, self.sheet.log_y = True, log_y
        self.setMinimumHeight(PLOT_PX)
        self.held = False
        self.box.moved_by_hand.connect(self._hold)

    def _hold(self, x_moved: bool, y_moved: bool) -> None:
        self.held = self.held or x_moved or y_moved

    def fit(self) -> None:
        """Show everything, and go on showing it."""
        self.held = False
        super().fit()

    def fit_unless_held(self) -> None:
        """Show everything, unless a person has chosen what is shown."""
        if not self.held:
            self.fit()


class BodePlots(QWidget):
    """|Z| above, the phase below, over one axis of frequency."""

    def __init__(self, look: PlotLook) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.magnitude = _LogPlot(Field("|Z|", "Ω"), look, log_y=True, titled=False)
        self.phase = _LogPlot(Field("−phase", "°"), look)
        column = Column(self, gap=0)
        column.addWidget(self.magnitude, 5)
        column.addWidget(self.phase, 6)
        self._aligning = QTimer(self)
        self._aligning.setSingleShot(True)
        self._aligning.setInterval(0)
        self._aligning.timeout.connect(self.align)
        for here, other in ((self.magnitude, self.phase), (self.phase, self.magnitude)):
            here.range_changed.connect(lambda begin, end, other=other: self._follow(other, begin, end))
            here.box.moved_by_hand.connect(lambda x, y, other=other: other._hold(x, False))
        self._following = False

    def frames(self) -> tuple[PlotFrame, ...]:
        """Return both plots."""
        return self.magnitude, self.phase

    def _follow(self, other: PlotFrame, begin: float, end: float) -> None:
        """Show the same frequencies in both."""
        self._aligning.start()
        if self._following:
            return
        self._following = True
        try:
            if not np.allclose(other.x_range(), (begin, end), rtol=1e-9):
                other.set_x_range(begin, end)
        finally:
            self._following = False

    def align(self) -> None:
        """Give both one left margin."""
        frames = self.frames()
        if align([(frame.places.whole, frame.sheet) for frame in frames], self.magnitude.look):
            for frame in frames:
                frame.lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the size."""
        super().resizeEvent(event)
        self._aligning.start()

    def show_spectra(self, drawn: Sequence[Drawn]) -> None:
        """Draw spectra, the chosen one with its fitted circuit."""
        look = self.magnitude.look
        self.phase.set_fields(Field(tr("eis", "frequency"), "Hz"), Field(tr("eis", "−phase"), "°"))
        above: list[Layer] = []
        below: list[Layer] = [LimitLine(0.0, LineKind.ZERO, fit=False)]
        for one in drawn:
            for layers, name in ((above, "size_ohm"), (below, "minus_phase_deg")):
                if len(one.fitted):
                    layers.append(XYCurve(one.fitted.frequency_Hz, getattr(one.fitted, name), predicted=True,
                                          name=tr("eis", "fitted circuit")))  # fmt: skip
                layers.append(_curve(one.points.frequency_Hz, getattr(one.points, name), one, look))
                if one.live:
                    place = float(one.points.frequency_Hz[-1]), float(getattr(one.points, name)[-1])
                    layers.append(LivePoint(*place, "", colour_of(one, look)))
        for frame, layers in ((self.magnitude, above), (self.phase, below)):
            frame.clear()
            frame.add(*layers)
            frame.fit_unless_held()

    def set_look(self, look: PlotLook) -> None:
        """Follow theme and scale."""
        for frame in self.frames():
            frame.set_look(look)
        self._aligning.start()


class ResidualPlot(_LogPlot):
    """What a valid spectrum would leave over, in per cent of |Z|: Z' filled, Z'' open; the band holds the limit."""

    def __init__(self, look: PlotLook) -> None:
        super().__init__(Field("residual", "%", 100.0), look)

    def show_residuals(self, columns: tuple[Floats, Floats, Floats], kk: Tested | None, limit: float) -> None:
        """Draw frequency and residuals of Z' and Z'' (fractions, shape (n,)); without a test the axes alone."""
        frequency_Hz, residual_re, residual_im = columns
        self.set_fields(Field(tr("eis", "frequency"), "Hz"), Field(tr("eis", "residual"), "%", 100.0))
        layers: list[Layer] = [TrendWindow(-limit, limit), LimitLine(0.0, LineKind.ZERO, fit=False)]
        if kk is not None:
            layers += [
                Note(verdict_note(kk), corner="tl"),
                XYCurve(frequency_Hz, residual_re, name="Z′", index=0, line=False, marker="o", marker_px=2.2),
                XYCurve(frequency_Hz, residual_im, name="Z″", index=4, line=False, marker="s", filled=False,
                        marker_px=2.2),
            ]  # fmt: skip
        self.clear()
        self.add(*layers)
        if self.held:
            return
        self.fit()
        both = np.abs(np.concatenate((residual_re, residual_im)))
        top = max(LEAST_PERCENT / 100.0, 1.15 * float(both.max())) if len(both) else LEAST_PERCENT / 100.0
        self.set_y_range(-top, top)


class TrendPlot(PlotFrame):
    """R_SEI, R_ct and R_b over the cycles, with their 95 % intervals."""

    def __init__(self, look: PlotLook) -> None:
        super().__init__(cycle_number(), Field("R", "Ω"), look, header=True)
        self.sheet.legend = self.sheet.legend_beside = True
        self.setMinimumHeight(PLOT_PX)

    def show_tracks(self, tracks: Sequence[Track]) -> None:
        """Draw the resistances; each is one colour, its name in the legend above."""
        largest = max((float(np.nanmax(one.value_ohm)) for one in tracks), default=1.0)
        unit = scale_of(largest / 2.0, "ohm")
        self.set_fields(cycle_number(tr("eis", "cycle")), Field("R", unit.unit, 1.0 / unit.factor))
        layers: list[Layer] = []
        for index, one in enumerate(tracks):
            layers.append(Intervals(one.cycle, one.low_ohm, one.high_ohm, index))
            layers.append(XYCurve(one.cycle, one.value_ohm, name=TRACK_NAMES[one.name], index=index, width_px=1.25,
                                  marker="os^"[index], marker_px=2.6))  # fmt: skip
        self.clear()
        self.add(*layers)
        self.fit()
        if tracks:
            last = max(float(one.cycle[-1]) for one in tracks)
            self.set_x_range(-0.03 * last, 1.04 * last)
            self.set_y_range(0.0, 1.12 * max(float(np.nanmax(one.value_ohm)) for one in tracks))
