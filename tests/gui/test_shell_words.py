"""The languages are complete: a text without Chinese, or one that was never collected, fails here."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from labctl.gui.i18n import update
from labctl.gui.i18n.translating import Language, Languages, tr


def texts_of(path: Path) -> dict[tuple[str, str], str]:
    found = {}
    for context in ElementTree.parse(path).getroot().findall("context"):
        for message in context.findall("message"):
            place = message.find("translation")
            done = place is not None and place.get("type") is None and place.text
            found[context.findtext("name") or "", message.findtext("source") or ""] = (
                place.text or "" if done else ""
            )  # type: ignore[union-attr]
    return found


def test_every_text_of_the_window_has_its_chinese(tmp_path: Path) -> None:
    fresh = tmp_path / f"fresh_{update.LANGUAGE}.ts"
    update.collect(fresh)
    missing, _ = update.fill(fresh)
    assert missing == [], "write these into a phrase book, then: python -m labctl.gui.i18n.update"


def test_what_ships_is_what_the_sources_say(tmp_path: Path) -> None:
    fresh = tmp_path / f"fresh_{update.LANGUAGE}.ts"
    update.collect(fresh)
    update.fill(fresh)
    assert texts_of(fresh) == texts_of(update.SOURCE), "run: python -m labctl.gui.i18n.update"


def test_what_is_compiled_is_what_ships(tmp_path: Path) -> None:
    target = tmp_path / "fresh.qm"
    update.compile_to(update.SOURCE, target)
    assert target.read_bytes() == update.COMPILED.read_bytes(), "run: python -m labctl.gui.i18n.update"


def test_a_new_text_without_chinese_is_caught(tmp_path: Path) -> None:
    planted = tmp_path / f"planted_{update.LANGUAGE}.ts"
    context = (
        "<context><name>window</name><message><source>brand new</source><translation/></message></context>"
    )
    planted.write_text(f'<TS version="2.1" language="zh_CN">{context}</TS>', encoding="utf-8")
    assert update.fill(planted)[0] == [("window", "brand new")]


def test_blanks_to_fill_are_the_same_in_both_languages() -> None:
    wrong = [
        english
        for (_, english), chinese in update.books().items()
        if sorted(re.findall(r"\{[^}]*\}", english)) != sorted(re.findall(r"\{[^}]*\}", chinese))
    ]
    assert wrong == []


def test_sentences_use_full_width_marks_and_figures_half_width_ones() -> None:
    wrong = [
        chinese for chinese in update.books().values() if re.search(r"[０-９]|[\u4e00-\u9fff][,;?!]", chinese)
    ]
    assert wrong == []


def test_the_language_switches_back_and_forth(look: Any) -> None:
    languages = Languages()
    languages.put_on(Language.CHINESE)
    assert tr("stop", "Stop all outputs") == "停止全部输出"
    languages.put_on(Language.ENGLISH)
    assert tr("stop", "Stop all outputs") == "Stop all outputs"


def test_a_text_that_nobody_translates_stays_english(look: Any) -> None:
    languages = Languages()
    languages.put_on(Language.CHINESE)
    assert tr("window", "C0021 pristine") == "C0021 pristine"
    languages.put_on(Language.ENGLISH)
