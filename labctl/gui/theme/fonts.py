"""Fonts: Inter is shipped beside this file (SIL OFL 1.1, ``fonts/OFL.txt``); a Chinese font must be on the computer."""

from __future__ import annotations

from enum import Enum
from importlib import resources
from typing import NamedTuple

from PySide6.QtGui import QFont, QFontDatabase

from labctl.errors import LabctlError

INTER = "Inter"
INTER_FILES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")
CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei UI", "Microsoft YaHei", "PingFang SC",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
)  # fmt: skip
"""Families with all signs of GB 2312 in even strokes, best first: Linux, then what Windows and macOS come with."""
LAST_RESORTS = ("Segoe UI", "Noto Sans", "DejaVu Sans")
TABULAR = QFont.Tag("tnum")
CHINESE_HELP = (
    "No Chinese font was found, so Chinese would show as empty boxes. Install Noto Sans CJK: 'apt-get install "
    "fonts-noto-cjk' on Debian and Ubuntu, 'dnf install google-noto-sans-cjk-fonts' on Fedora; Windows and macOS come "
    "with one. Then start labctl gui again."
)


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


def load() -> list[str]:
    """Make the shipped fonts known to Qt; returns the families in the order in which a sign is looked for.

    Raises: LabctlError when a shipped file cannot be read, because then the installation is broken.
    """
    if INTER not in QFontDatabase.families():
        folder = resources.files("labctl.gui.theme") / "fonts"
        for name in INTER_FILES:
            if QFontDatabase.addApplicationFontFromData((folder / name).read_bytes()) < 0:
                raise LabctlError(f"the font {name} of labctl cannot be read. Install labctl again.")
    return families()


def families() -> list[str]:
    """Return the families in the order in which a sign is looked for."""
    found = chinese_family()
    return [INTER, *((found,) if found else CHINESE[:1]), *LAST_RESORTS]


def chinese_family() -> str:
    """Return the Chinese family that will be used; empty where this computer has none."""
    present = set(QFontDatabase.families())
    for name in CHINESE:
        if name in present:
            return name
    others = QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese)
    return others[0] if others else ""


def missing_chinese() -> str:
    """Return what to do where there is no Chinese font; empty where there is one."""
    return "" if chinese_family() else CHINESE_HELP


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
