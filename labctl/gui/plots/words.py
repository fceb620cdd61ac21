"""The few words that plots say themselves, translated where they are shown."""

from __future__ import annotations

from labctl.gui.i18n.translating import tr
from labctl.gui.plots.ticks import THIN, signed


def span_text(span_s: float) -> str:
    """Return a length of time with three figures at most: 6 min, 1.87 h, 12 d."""
    size = abs(span_s)
    for limit, unit, unit_s in ((120, "s", 1.0), (7200, "min", 60.0), (14 * 86_400, "h", 3600.0)):
        if size < limit:
            return f"{signed(f'{span_s / unit_s:.3g}')}{THIN}{unit}"
    return f"{signed(f'{span_s / 86_400:.4g}')}{THIN}d"


def gap_text(span_s: float) -> str:
    """Return what stands beside a gap of a time axis."""
    return tr("plots", "gap {span}").format(span=span_text(span_s))
