"""The plot by cycle: capacity with efficiency on a second axis, or overpotential; small below V-t, large in its tab."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from labctl.gui.i18n.translating import tr
from labctl.gui.plots.fields import Field, cycle_number
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.layer import Layer, Side
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.marks import LimitLine, LineKind, Mark
from labctl.gui.plots.xy import XYCurve
from labctl.gui.viewmodels.cyclefigure import CycleFigure

MARKS_MAX = 2000
LEAST_SPAN = 4.0
CE_ROOM = 1.5
"""The efficiency axis shows at least so many per cent around 100."""


class CyclePlot(PlotFrame):
    """Shows a ``CycleFigure``."""

    def __init__(self, look: PlotLook, executor: Executor | None) -> None:
        super().__init__(cycle_number(), Field("Q", "mAh"), look, right=Field("CE", "%"), header=True,
                         executor=executor)  # fmt: skip
        self.sheet.legend = self.sheet.legend_beside = True
        self.setMinimumHeight(90)
        self._mine: list[Layer] = []
        self._held = False
        self._figure: CycleFigure | None = None
        self.box.moved_by_hand.connect(lambda x, y: self._hold(x or y))

    def show_figure(self, figure: CycleFigure) -> None:
        """Show other cycles; the range stays where a person put it."""
        self._figure = figure
        marker = len(figure.x) <= MARKS_MAX
        left = XYCurve(figure.x, figure.left, name=figure.left_name, line=not marker,
                       marker="o" if marker else "", marker_px=1.8)  # fmt: skip
        made: list[Layer] = [left]
        if len(figure.predicted):
            made.append(
                XYCurve(figure.predicted_x, figure.predicted, name=tr("channel", "predicted"), predicted=True)
            )
        if len(figure.right):
            made.append(XYCurve(figure.x, figure.right, name=f"{figure.right_name} →", side=Side.RIGHT,
                                muted=True, line=not marker, marker="s" if marker else "", filled=False,
                                marker_px=1.9))  # fmt: skip
        if np.isfinite(figure.level):
            made.append(
                LimitLine(figure.level, LineKind.STEP_END, figure.level_text, text_left=True, fit=False)
            )
        if figure.now:
            made.append(
                Mark(float(figure.now), LineKind.NOW, tr("channel", "cycle {n}").format(n=figure.now))
            )
        self.remove(*self._mine)
        self._mine = made
        self.sheet.right_field = Field("CE", "%") if len(figure.right) else None
        self.set_fields(
            cycle_number(tr("channel", "cycle number")), Field(figure.left_quantity, figure.left_unit)
        )
        self.set_words(title=figure.title)
        self.setAccessibleName(figure.title)
        self.add(*made)
        if not self._held:
            self._fit_cycles(figure)
        self._lay_out()

    def _hold(self, moved: bool) -> None:
        self._held = moved

    def fit(self) -> None:
        """Show everything, and go on showing it."""
        self._held = False
        if self._figure is not None and not (self.sheet.log_x or self.sheet.log_y):
            self._fit_cycles(self._figure)
        else:
            super().fit()

    def _fit_cycles(self, figure: CycleFigure) -> None:
        known = float(figure.x[-1]) if len(figure.x) else LEAST_SPAN
        top = max(known * 1.25, LEAST_SPAN)
        if figure.last and (len(figure.predicted) or figure.last < top):
            top = max(float(figure.last), known)  # a prediction is seen to the program's end
        self.set_x_range(0.0, top + 0.5)
        self.auto_y = True
        self._fit_y(0.0, top + 0.5, whole=True)
