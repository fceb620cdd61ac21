"""Colours, fonts and glyphs: measured, not eyed."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from labctl.gui.theme.tokens import BADGES, TABLE, ThemeName, Tokens, channels_of, contrast_ratio
from labctl.gui.viewmodels.words import Glyph, Token

LIGHT_DARK = {
    # token: (light vs window, vs panel, dark vs window, vs panel), operator-gui.md section 6
    "text": (13.2, 15.0, 13.2, 11.5), "muted": (6.0, 6.8, 8.1, 7.1), "border": (3.6, 4.1, 5.0, 4.4),
    "accent": (5.7, 6.5, 7.4, 6.5), "focus": (8.7, 9.9, 10.4, 9.0), "charge": (5.8, 6.6, 7.3, 6.4),
    "discharge": (6.1, 7.0, 7.6, 6.6), "rest": (5.6, 6.3, 8.1, 7.1), "paused": (4.8, 5.4, 8.2, 7.1),
    "done": (5.1, 5.7, 8.5, 7.4), "stale": (4.9, 5.5, 7.8, 6.8),
}  # fmt: skip
TEXTS = ("text", "muted", "accent", "charge", "discharge", "rest", "paused", "done", "stale")
# Simulated vision at full severity, linear RGB. Source: Machado, Oliveira, Fernandes 2009, table of matrices.
VISIONS = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


@pytest.mark.parametrize(("name", "ratios"), LIGHT_DARK.items())
def test_each_token_has_the_contrast_that_the_contract_measured(name: str, ratios: tuple[float, ...]) -> None:
    light, dark = TABLE[ThemeName.LIGHT], TABLE[ThemeName.DARK]
    colours = [(getattr(light, name), light), (getattr(dark, name), dark)]
    found = [contrast_ratio(c, ground) for c, theme in colours for ground in (theme.window, theme.panel)]
    assert found == pytest.approx(list(ratios), abs=0.06)


@pytest.mark.parametrize("theme", ThemeName)
def test_texts_and_lines_can_be_read_on_every_ground_of_every_theme(theme: ThemeName) -> None:
    tokens = TABLE[theme]
    grounds = (tokens.window, tokens.panel, tokens.field)
    weak = [
        name for name in TEXTS for ground in grounds if contrast_ratio(getattr(tokens, name), ground) < 4.5
    ]
    weak += [
        name
        for name in ("border", "focus", "hard")
        for g in grounds
        if contrast_ratio(getattr(tokens, name), g) < 3.0
    ]
    weak += ["text on selection"] if contrast_ratio(tokens.text, tokens.selection) < 4.5 else []
    weak += ["muted on head"] if contrast_ratio(tokens.muted, tokens.head) < 4.5 else []
    weak += ["on accent"] if contrast_ratio(tokens.on_accent, tokens.accent) < 4.5 else []
    weak += [f"curve {c}" for c in tokens.curves if contrast_ratio(c, tokens.plot) < 3.0]
    assert weak == []


def test_high_contrast_is_higher_than_both_others() -> None:
    tokens = TABLE[ThemeName.CONTRAST]
    assert min(contrast_ratio(getattr(tokens, name), tokens.panel) for name in TEXTS) >= 7.0
    assert (
        contrast_ratio(tokens.off, tokens.panel) >= 4.5
        and contrast_ratio(tokens.hairline, tokens.panel) >= 4.5
    )


def test_alarm_badges_carry_readable_numbers_and_stay_apart_for_every_vision() -> None:
    assert all(contrast_ratio(badge.text, badge.fill) >= 4.5 for badge in BADGES.values())
    for matrix in VISIONS.values():
        seen = [lab_of(simulated(badge.fill, matrix)) for badge in BADGES.values()]
        assert min(distance(a, b) for a, b in combinations(seen, 2)) >= 20.0


def linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def simulated(colour: str, matrix: Any) -> list[float]:
    rgb = [linear(value) for value in channels_of(colour)]
    return [min(1.0, max(0.0, sum(m * v for m, v in zip(row, rgb, strict=True)))) for row in matrix]


def lab_of(rgb: list[float]) -> tuple[float, float, float]:
    """CIE 1976 L*a*b* of linear sRGB under D65."""
    r, g, b = rgb
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def test_no_other_file_of_the_window_names_a_colour() -> None:
    import labctl.gui

    folder = Path(str(labctl.gui.__file__)).parent
    sources = [path for part in ("parts", "views") for path in (folder / part).rglob("*.py")]
    sources += list(folder.glob("*.py"))
    found = [
        path.name for path in sources if re.search(r"#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_chevrons_of_choices_have_the_colour_of_their_theme() -> None:
    from labctl.gui.theme.sheet import HERE

    for name in ThemeName:
        assert TABLE[name].muted in (HERE / f"chevron-{name.value}.svg").read_text(encoding="utf-8")


def test_every_word_of_a_state_has_a_glyph_and_a_colour(look: Any) -> None:
    from labctl.gui.theme.glyphs import GLYPHS

    assert {glyph.value for glyph in Glyph} <= GLYPHS
    assert all(look.colour(token.value).isValid() for token in Token)


def test_inter_and_a_chinese_font_are_shipped_with_their_licence(look: Any) -> None:
    from PySide6.QtGui import QFontDatabase

    from labctl.gui.theme import fonts

    folder = Path(str(fonts.__file__)).parent / "fonts"
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text(encoding="utf-8")
    assert fonts.INTER in QFontDatabase.families()
    assert fonts.CHINESE in QFontDatabase.families()


def test_every_sign_of_the_window_has_a_glyph_in_its_fonts(look: Any) -> None:
    from PySide6.QtGui import QFontDatabase, QRawFont

    from labctl.gui.i18n import translating
    from labctl.gui.theme import fonts

    raws = [QRawFont.fromFont(QFontDatabase.font(name, "Regular", 10)) for name in fonts.families()[:2]]
    chinese = Path(str(translating.__file__)).parent / "zh_CN"
    words = "".join(file.read_text(encoding="utf-8") for file in chinese.glob("*.json"))
    text = {*"0123456789−+±µΩ°²³·×≤≥→Δ|√ 电池循环工位报警镀膜停止全部输出，。：（）“”", *words} - {"\n"}
    missing = [sign for sign in sorted(text) if not any(raw.supportsCharacter(ord(sign)) for raw in raws)]
    assert missing == []


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_figures_are_tabular_in_every_role_also_under_the_style_sheet(
    look: Any, qtbot: Any, scale: float
) -> None:
    from PySide6.QtGui import QFontMetricsF

    from labctl.gui.parts.labels import Label
    from labctl.gui.theme.fonts import Role

    look.put_on(ThemeName.LIGHT, scale)
    for role in Role:
        label = Label("1111", role)
        qtbot.addWidget(label)
        label.ensurePolished()
        for font in (look.font(role), label.font()):
            metrics = QFontMetricsF(font)
            assert metrics.horizontalAdvance("1111") == pytest.approx(metrics.horizontalAdvance("0000"))
        assert label.font().pointSizeF() == pytest.approx(role.value.size_pt * scale, rel=0.02)
        assert label.font().weight() == role.value.weight


def test_a_theme_dresses_open_widgets_and_the_palette_follows(look: Any, qapp: Any, qtbot: Any) -> None:
    from PySide6.QtWidgets import QWidget

    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    heard: list[int] = []
    look.changed.connect(lambda: heard.append(1))
    for name in ThemeName:
        look.put_on(name, 1.0)
        assert widget.palette().window().color().name().upper() == TABLE[name].window
    assert len(heard) == 3
    look.put_on(ThemeName.LIGHT, 9.0)
    assert look.scale == 2.0 and look.px(8) == 16


def test_every_icon_of_the_shell_exists(look: Any) -> None:
    import labctl.gui

    folder = Path(str(labctl.gui.__file__)).parent
    names: set[str] = set()
    for path in [*folder.glob("*.py"), *(folder / "parts").glob("*.py")]:
        names |= set(
            re.findall(
                r'(?:icon|IconLabel|StatusButton)\w*[=(]\s*"([a-z0-9-]+)"', path.read_text(encoding="utf-8")
            )
        )
    assert len(names) > 8
    for name in names:
        assert not look.icon(name).pixmap(16, 16).isNull()


def test_tokens_are_one_table_with_the_same_names() -> None:
    assert {tuple(tokens.__dataclass_fields__) for tokens in TABLE.values()} == {
        tuple(Tokens.__dataclass_fields__)
    }
