"""The look of the figures and how they are written: journal sizes, open text, the same bytes each time.

matplotlib is imported when a figure is made, never before. Only its Agg canvas is used: no display, no
global state.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.errors import UserInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM_PER_INCH = 25.4
WIDTHS_MM = (85.0, 170.0)  # one and two columns of the usual journals
FORMATS = ("svg", "pdf", "png")
PNG_DPI = 300

# Okabe and Ito's palette: told apart with every common form of colour blindness and by lightness in grey.
PRISTINE_COLOUR = "#D55E00"
COATED_COLOUR = "#0072B2"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 7.0,
    "mathtext.fontset": "dejavusans",
    "axes.labelsize": 7.5,
    "axes.titlesize": 7.5,
    "axes.linewidth": 0.6,
    "axes.labelpad": 2.5,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.handletextpad": 0.5,
    "legend.borderaxespad": 0.4,
    "legend.labelspacing": 0.3,
    "lines.linewidth": 0.9,
    "lines.markersize": 2.2,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.02,
    "figure.constrained_layout.w_pad": 0.02,
    "agg.path.chunksize": 20_000,
    "path.simplify": False,  # long series come thinned; what is drawn is what was asked for
    "svg.fonttype": "none",  # text stays text: searchable and editable
    "svg.hashsalt": "labctl",  # the same ids each time
    "pdf.fonttype": 42,  # TrueType, embedded: journals refuse Type 3
    "ps.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the look inside the context, whatever the user's own matplotlib settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        parameters: Any = matplotlib.rcParams
        parameters.update(_STYLE)
        yield


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """Return an empty figure of this size. Call inside ``style``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not 30.0 <= width_mm <= 400.0:
        raise UserInputError(f"a figure of {width_mm:g} mm is not printable; usual widths are 85 and 170 mm.")
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH))
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, target: Path) -> Path:
    """Write a figure as SVG, PDF or PNG by the suffix of ``target``; the same figure gives the same bytes.

    SVG text stays text, PDF fonts are embedded, PNG has 300 dpi. No date is written.
    Raises: UserInputError for another suffix.
    """
    form = target.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise UserInputError(f"figures are written as {known}, not as '{target.suffix or target}'.")
    dated: dict[str, dict[str, Any]] = {
        "svg": {"Date": None},
        "pdf": {"CreationDate": None, "Creator": "labctl"},
        "png": {"Software": None},
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of the dates in matplotlib's own fonts
    with style():
        figure.savefig(target, format=form, dpi=PNG_DPI, metadata=dated[form])
    return target


def panel_letter(axes: Axes, letter: str) -> None:
    """Write (a), (b) ... above the upper left corner of a panel."""
    axes.set_title(f"({letter})", loc="left", fontweight="bold", pad=3.0)


def mid_colours(count: int) -> list[tuple[float, ...]]:
    """Return colours for an ordered series, dark to light, readable on white and told apart by lightness.

    Source: matplotlib's viridis without its pale end.
    """
    import matplotlib

    shades = matplotlib.colormaps["viridis"]
    places = [0.0] if count < 2 else [0.8 * place / (count - 1) for place in range(count)]
    return [tuple(shades(place)[:3]) for place in places]
