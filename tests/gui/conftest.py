"""What tests of widgets stand on: no screen, the house's style, nothing left behind."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def look(qapp: Any) -> Iterator[Any]:
    """Dress the application: fonts, Fusion, light theme, English, 100 %; also parts that stand in no window."""
    from PySide6.QtCore import QCoreApplication, QEvent

    from labctl.gui.i18n.translating import Languages
    from labctl.gui.theme.current import theme
    from labctl.gui.theme.palette import dress
    from labctl.gui.theme.sheet import sheet_of
    from labctl.gui.theme.tokens import ThemeName
    from labctl.gui.viewmodels.units import units

    def dress_parts() -> None:
        qapp.setStyleSheet(sheet_of(theme().name, theme().scale))

    dress(qapp)
    theme().changed.connect(dress_parts)
    theme().put_on(ThemeName.LIGHT, 1.0)
    yield theme()
    QCoreApplication.sendPostedEvents(
        None, QEvent.Type.DeferredDelete.value
    )  # windows of this test go with it
    theme().put_on(ThemeName.LIGHT, 1.0)
    theme().changed.disconnect(dress_parts)
    units.choose({})
    Languages().put_on(Languages().language)


@pytest.fixture
def session(tmp_path: Path) -> Any:
    """Return settings in a file of this test alone, in English."""
    from labctl.gui.i18n.translating import Language
    from labctl.gui.session import Session

    made = Session(tmp_path / "gui.ini")
    made.language = Language.ENGLISH
    return made


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Fail a test that leaves one of the window's threads running."""
    before = set(threading.enumerate())
    yield
    new = [thread.name for thread in threading.enumerate() if thread not in before]
    assert [name for name in new if name.startswith("labctl-")] == []
