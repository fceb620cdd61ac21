"""The one table of colours (operator-gui.md 6, design README 4): no other file names a colour. Plain Python, no Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class ThemeName(StrEnum):
    """The themes a person may choose."""

    LIGHT = "light"
    DARK = "dark"
    CONTRAST = "contrast"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours of one theme, each ``#RRGGBB``. Text needs 4.5 : 1 on window, panel and field; glyphs and lines 3 : 1."""

    window: str
    panel: str
    field: str
    head: str
    hover: str
    selection: str
    text: str
    muted: str
    off: str
    border: str
    hairline: str
    accent: str
    on_accent: str
    focus: str
    charge: str
    discharge: str
    rest: str
    paused: str
    done: str
    stale: str
    plot: str
    grid: str
    axis: str
    sparkline: str
    predicted: str
    neutral_bar: str
    hard: str
    """Trip lines, and text and edge of Stop all outputs."""
    medium_edge: str
    """The edge of a MEDIUM tile: yellow itself has no contrast on grey."""
    curves: tuple[str, ...]
    """Six curves on ``plot``; a seventh is dashed, not coloured."""
    pristine: str
    coated: str
    ramp_first: str
    ramp_last: str
    """The cut ends of the perceptual ramp of cycles."""
    live_sweep: str


LIGHT = Tokens(
    window="#E6E6E6", panel="#F4F4F4", field="#FFFFFF", head="#EAEAEA", hover="#ECECEC", selection="#DDE8F2",
    text="#1F1F1F", muted="#555555", off="#767676", border="#767676", hairline="#D4D4D4",
    accent="#005A9E", on_accent="#FFFFFF", focus="#003E73",
    charge="#0B5C8A", discharge="#6A3D9A", rest="#4F5B66", paused="#8A5A00", done="#3A6B35", stale="#7A4FA0",
    plot="#FFFFFF", grid="#EEEEEE", axis="#8C8C8C", sparkline="#8A8A8A", predicted="#949494", neutral_bar="#BDBDBD",
    hard="#B00020", medium_edge="#8A6D00",
    curves=("#0072B2", "#D55E00", "#CC79A7", "#332288", "#1F1F1F", "#994455"),
    pristine="#D55E00", coated="#0072B2", ramp_first="#482878", ramp_last="#1F9E89", live_sweep="#D55E00",
)  # fmt: skip

DARK = Tokens(
    window="#1E2124", panel="#282C30", field="#1E2124", head="#23272A", hover="#30353A", selection="#2A3B4A",
    text="#E8E8E8", muted="#B4B8BC", off="#8A9097", border="#8A9097", hairline="#3B4147",
    accent="#6CB6F5", on_accent="#10202C", focus="#A6D4FF",
    charge="#6FB7E0", discharge="#C3A5E8", rest="#AEB9C4", paused="#E3B04B", done="#8FCB88", stale="#C9A6EC",
    plot="#181A1C", grid="#272B2F", axis="#6F767D", sparkline="#8A9097", predicted="#6F767D", neutral_bar="#555C63",
    hard="#FF7A88", medium_edge="#8A6D00",
    curves=("#56B4E9", "#F0E442", "#FFFFFF", "#CC6677", "#FFAABB", "#AAAA00"),
    pristine="#F0E442", coated="#56B4E9", ramp_first="#3E9BB5", ramp_last="#D8E219", live_sweep="#D55E00",
)  # fmt: skip

CONTRAST = replace(
    LIGHT,
    window="#FFFFFF", panel="#FFFFFF", field="#FFFFFF", head="#F0F0F0", hover="#E4E4E4", selection="#CFE6FF",
    text="#000000", muted="#262626", off="#595959", border="#000000", hairline="#595959",
    accent="#003E73", focus="#B0006D",
    charge="#00436B", discharge="#4A1D7A", rest="#2B353E", paused="#5C3B00", done="#1C4A18", stale="#54277D",
    grid="#D9D9D9", axis="#404040", sparkline="#404040", predicted="#6B6B6B", neutral_bar="#6B6B6B",
    hard="#8F0018", medium_edge="#5C4800",
)  # fmt: skip

TABLE = {ThemeName.LIGHT: LIGHT, ThemeName.DARK: DARK, ThemeName.CONTRAST: CONTRAST}


@dataclass(frozen=True, slots=True)
class Badge:
    """An alarm badge: the same in all themes, always with its number and its shape."""

    fill: str
    text: str
    number: str
    shape: str


BADGES = {
    "critical": Badge("#B00020", "#FFFFFF", "1", "octagon"),
    "high": Badge("#F07800", "#000000", "2", "triangle"),
    "medium": Badge("#FFD84D", "#000000", "3", "diamond"),
    "low": Badge("#1F6F94", "#FFFFFF", "4", "square"),
}
"""By the word of ``AlarmPriority``, most urgent first."""


BESIDE_THE_RAMP = "#D55E00"
"""The live sweep over a ramp of cycles: a colour that no ramp contains."""
GREYS = ("#707070", "#1F1F1F", "#9A9A9A", "#4A4A4A", "#B4B4B4", "#000000")
"""Six curves of a figure that is printed without colour."""


def channels_of(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue of ``#RRGGBB``, 0 to 1 each."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5))
    return red, green, blue


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, 0 to 1. Source: WCAG 2.2, definition of relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels_of(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21. Source: WCAG 2.2, definition of contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
