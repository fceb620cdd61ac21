"""The page as it will be printed, at its true size on this screen, fitted, or enlarged."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from labctl.gui.plots.figure import Figure, FigureStyle, image_of
from labctl.gui.theme.current import theme

DPI_USUAL, DPI_LEAST, DPI_MOST = 96.0, 60.0, 400.0
"""What a screen may say of itself; anything else is taken for a mistake."""
MARGIN_PX = 24


class Sheet(QWidget):
    """The paper; drawn by the same code as the file."""

    def __init__(self) -> None:
        super().__init__()
        self._figure: Figure = ()
        self._style = FigureStyle()
        self._image: QImage | None = None
        self._drawn = 0.0
        self.zoom = 1.0
        self.fit_width = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    @property
    def dots_per_inch(self) -> float:
        """Return the screen's own measure, the usual one where it says nothing sensible."""
        screen = self.screen()
        found = screen.physicalDotsPerInch() if screen is not None else DPI_USUAL
        return found if DPI_LEAST <= found <= DPI_MOST else DPI_USUAL

    def show_figure(self, sheets: Figure, style: FigureStyle) -> None:
        """Show a figure."""
        self._figure, self._style, self._image = sheets, style, None
        self.updateGeometry()
        self.adjustSize()
        self.update()

    def set_zoom(self, zoom: float) -> None:
        """Show it so many times its true size; 0 = as wide as there is room."""
        self.zoom, self._image = zoom, None
        self.adjustSize()
        self.update()

    @property
    def size_mm(self) -> tuple[float, float]:
        """Return width and height of the paper."""
        image = self._rendered(20.0) if self._image is None else self._image
        return self._style.width_mm, self._style.width_mm * image.height() / max(1, image.width())

    def _scale(self) -> float:
        """Return screen pixels for a mm."""
        if self.zoom > 0:
            return self.zoom * self.dots_per_inch / 25.4
        return max(1.0, (self.fit_width - 2 * theme().px(MARGIN_PX)) / self._style.width_mm)

    def _rendered(self, dots_per_inch: float) -> QImage:
        return image_of(self._figure, self._style, dots_per_inch=dots_per_inch)

    def sizeHint(self) -> QSize:
        """Return the paper with room around it."""
        if not self._figure:
            return QSize(10, 10)
        width_mm, height_mm = self.size_mm
        margin = 2 * theme().px(MARGIN_PX)
        return QSize(round(width_mm * self._scale()) + margin, round(height_mm * self._scale()) + margin)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the paper and its edge."""
        if not self._figure:
            return
        ratio = self.devicePixelRatioF()
        wanted = self._scale() * 25.4 * ratio
        if self._image is None or wanted != self._drawn:
            self._image, self._drawn = self._rendered(wanted), wanted
        margin = theme().px(MARGIN_PX)
        area = QRectF(margin, margin, self._image.width() / ratio, self._image.height() / ratio)
        painter = QPainter(self)
        painter.drawImage(area, self._image)
        painter.setPen(theme().colour("border"))
        painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5))


class Preview(QScrollArea):
    """The paper on a desk that scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self.sheet = Sheet()
        self.setWidget(self.sheet)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.viewport().setAutoFillBackground(False)
        self.sheet.setAutoFillBackground(False)
        self.setFrameShape(QScrollArea.Shape.NoFrame)

    def resizeEvent(self, event: object) -> None:
        """Tell the paper how wide it may be."""
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt calls it with a QResizeEvent
        self.sheet.fit_width = self.viewport().width()
        if self.sheet.zoom == 0:
            self.sheet.set_zoom(0.0)
