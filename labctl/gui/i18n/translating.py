"""The window's language: a text is asked for by context and English, and found in ``labctl_<language>.qm``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from labctl.errors import LabctlError

HERE = Path(__file__).parent


class Language(StrEnum):
    """The languages that are complete."""

    ENGLISH = "en"
    CHINESE = "zh_CN"


NAMES = {Language.ENGLISH: "English", Language.CHINESE: "中文"}
"""Each language in its own words: who cannot read the present one still finds theirs."""


def tr(context: str, text: str) -> str:
    """Return the text in the window's language. Both arguments are literals: they are collected by reading them."""
    return QCoreApplication.translate(context, text)


def mark(context: str, text: str) -> str:
    """Return the text as it is and have it collected: for tables that are translated when they are shown."""
    return text


def system_language() -> Language:
    """Return the language of this computer's user, English where it is neither."""
    return Language.CHINESE if QLocale.system().language() == QLocale.Language.Chinese else Language.ENGLISH


class Languages:
    """Puts a language on; Qt then tells every widget by ``LanguageChange``. Keep it as long as the application."""

    _installed: ClassVar[list[QTranslator]] = []
    """Of the process: an application has one language, whoever put it on."""

    def __init__(self) -> None:
        self.language = Language.ENGLISH

    def put_on(self, language: Language) -> None:
        """Switch the language of all open windows. Raises: LabctlError when labctl's own texts are missing."""
        for old in self._installed:
            QCoreApplication.removeTranslator(old)
        self._installed.clear()
        if language is not Language.ENGLISH:
            self._install_qt(language)
            self._install_ours(language)
        self.language = language
        # Numbers, dates and units are the same in every language (R7, U17).
        QLocale.setDefault(QLocale(QLocale.Language.C))

    def _install_ours(self, language: Language) -> None:
        translator = QTranslator()
        if not translator.load(str(HERE / f"labctl_{language.value}.qm")):
            raise LabctlError(f"the {NAMES[language]} texts of labctl cannot be read. Install labctl again.")
        self._add(translator)

    def _install_qt(self, language: Language) -> None:
        """Take Qt's own words (Cut, Paste) too, where Qt has them."""
        translator = QTranslator()
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if translator.load(f"qtbase_{language.value}", folder):
            self._add(translator)

    def _add(self, translator: QTranslator) -> None:
        QCoreApplication.installTranslator(translator)
        self._installed.append(translator)
