"""Fonts, shipped beside this file under the SIL OFL 1.1 (``fonts/README.md``): Inter, and a Chinese font behind it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import NamedTuple

from PySide6.QtGui import QFont, QFontDatabase

from labctl.errors import LabctlError

INTER = "Inter"
CHINESE = "Noto Sans SC labctl"
"""All signs of GB 2312, cut from Noto Sans CJK SC; under a name of its own, so that it looks the same everywhere."""
FILES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf", "NotoSansSC-labctl.otf")
RARER = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei UI", "PingFang SC")
"""Where the computer has one of them, signs beyond GB 2312 (in people's names) come from it."""
LAST_RESORTS = ("Segoe UI", "Noto Sans", "DejaVu Sans")
TABULAR = QFont.Tag("tnum")


class Type(NamedTuple):
    """A role of type (design README 3): size in points at 100 %, weight, height of a line in pixels."""

    size_pt: float
    weight: QFont.Weight
    line_px: int


class Role(Enum):
    """Where a text stands decides how it is set."""

    DISPLAY = Type(18, QFont.Weight.DemiBold, 32)
    READOUT = Type(18, QFont.Weight.Medium, 28)
    TITLE = Type(14, QFont.Weight.DemiBold, 24)
    VALUE = Type(14, QFont.Weight.Medium, 24)
    SECTION = Type(11, QFont.Weight.DemiBold, 20)
    LEAD = Type(11, QFont.Weight.Normal, 20)
    BODY = Type(10, QFont.Weight.Normal, 20)
    STRONG = Type(10, QFont.Weight.DemiBold, 20)
    SMALL = Type(9, QFont.Weight.Normal, 16)
    SMALL_STRONG = Type(9, QFont.Weight.DemiBold, 16)
    HINT = Type(8.5, QFont.Weight.Normal, 16)


def load() -> None:
    """Make the shipped fonts known to Qt. Raises: LabctlError when a file cannot be read."""
    if {INTER, CHINESE} <= set(QFontDatabase.families()):
        return
    folder = Path(__file__).with_name("fonts")
    for name in FILES:
        if QFontDatabase.addApplicationFontFromData((folder / name).read_bytes()) < 0:
            raise LabctlError(f"the font {name} of labctl cannot be read. Install labctl again.")


def families() -> list[str]:
    """Return the families in the order in which a sign is looked for."""
    return [INTER, CHINESE, *RARER, *LAST_RESORTS]


def base_font(scale: float = 1.0) -> QFont:
    """Return the font of running text with tabular figures, enlarged by ``scale``."""
    return font(Role.BODY, scale)


def font(role: Role, scale: float = 1.0) -> QFont:
    """Return the font of a role, enlarged by ``scale``."""
    made = QFont()
    made.setFamilies(families())
    made.setPointSizeF(role.value.size_pt * scale)
    made.setWeight(role.value.weight)
    made.setFeature(TABULAR, 1)
    made.setStyleStrategy(QFont.StyleStrategy.PreferAntialias)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return made
