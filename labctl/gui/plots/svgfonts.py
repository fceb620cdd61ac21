"""Fonts inside an SVG: only the signs that are used, so that the figure looks the same on a computer without them."""

from __future__ import annotations

import base64
import io
import re
from functools import lru_cache
from importlib import import_module, resources
from typing import Any
from xml.sax.saxutils import unescape

from labctl.gui.theme.fonts import INTER

WEIGHTS = {400: "Inter-Regular.otf", 500: "Inter-Medium.otf", 600: "Inter-SemiBold.otf"}
CHINESE_FILE = "NotoSansSC-labctl.otf"
_TEXT = re.compile(r"<text\b([^>]*)>(.*?)</text>", re.DOTALL)
_WEIGHT = re.compile(r'font-weight="(\d+)"')
_TAG = re.compile(r"<[^>]+>")


def with_fonts(svg: str) -> str:
    """Return the SVG with a ``@font-face`` for each weight that it uses; the same SVG gives the same bytes."""
    used: dict[int, set[str]] = {}
    for attributes, inner in _TEXT.findall(svg):
        found = _WEIGHT.search(attributes)
        used.setdefault(int(found[1]) if found else 400, set()).update(unescape(_TAG.sub("", inner)))
    faces = []
    for weight in sorted(used):
        signs = frozenset(used[weight]) - {"\n"}
        file = WEIGHTS[min(WEIGHTS, key=lambda known: abs(known - weight))]
        latin = frozenset(sign for sign in signs if ord(sign) < 0x2E80)
        faces.append(_face(weight, _subset_of(_shipped(file), latin)))
        if signs - latin:
            faces.append(_face(weight, _subset_of(_shipped(CHINESE_FILE), signs - latin), "U+2E80-FFFF"))
    style = f'<style type="text/css">{"".join(faces)}</style>'
    return svg.replace("<defs>", f"<defs>{style}", 1) if "<defs>" in svg else svg


def _face(weight: int, font: bytes, signs: str = "") -> str:
    limits = f"unicode-range:{signs};" if signs else ""
    data = base64.b64encode(font).decode("ascii")
    return f"@font-face{{font-family:'{INTER}';font-weight:{weight};{limits}src:url(data:font/otf;base64,{data})}}"


@lru_cache(maxsize=4)
def _shipped(file: str) -> bytes:
    return (resources.files("labctl.gui.theme") / "fonts" / file).read_bytes()


@lru_cache(maxsize=16)
def _subset_of(font: bytes, signs: frozenset[str]) -> bytes:
    """Return a font with these signs alone. Source: fontTools.subset."""
    subset: Any = import_module("fontTools.subset")
    fonts: Any = import_module("fontTools.ttLib")
    options = subset.Options(
        layout_features=["kern", "tnum"], notdef_outline=True, hinting=False, name_IDs=[1, 2]
    )
    options.recalc_timestamp = False
    made = fonts.TTFont(io.BytesIO(font), recalcTimestamp=False, checkChecksums=0)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(sign) for sign in sorted(signs)])
    cutter.subset(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
