"""Bring the translations up to date: ``python -m labctl.gui.i18n.update`` after any change of a text.

``pyside6-lupdate`` collects the texts of ``tr`` and ``mark``; each gets its Chinese from the phrase books
``zh_CN/*.json`` (context -> English -> Chinese; one book per part of the window, so that several people can write);
``pyside6-lrelease`` compiles what ships. Exit code 1 names the texts that no book has.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).parent
GUI = HERE.parent
LANGUAGE = "zh_CN"
SOURCE, COMPILED = HERE / f"labctl_{LANGUAGE}.ts", HERE / f"labctl_{LANGUAGE}.qm"
ALIASES = ("-tr-function-alias", "translate+=tr", "-tr-function-alias", "QT_TRANSLATE_NOOP+=mark")
TOOL_S = 120.0
Text = tuple[str, str]
"""Context and English."""


def tool(name: str) -> str:
    """Return one of the programs that PySide6 brings."""
    scripts = Path(sysconfig.get_path("scripts"))
    return str(next(iter(sorted(scripts.glob(f"{name}*"))), name))


def collect(target: Path) -> None:
    """Write every text of the window into a fresh ts file. Raises: CalledProcessError."""
    sources = [
        str(path) for path in sorted(GUI.rglob("*.py")) if path.parent != HERE or path.name != "update.py"
    ]
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "sources.txt"
        listing.write_text("\n".join(sources), encoding="utf-8")
        words = [tool("pyside6-lupdate"), *ALIASES, "-locations", "none", f"@{listing}", "-ts", str(target)]
        subprocess.run(words, check=True, capture_output=True, timeout=TOOL_S)


def books() -> dict[Text, str]:
    """Return all phrases. Raises: ValueError for a text with two translations in one context."""
    found: dict[Text, str] = {}
    for path in sorted((HERE / LANGUAGE).glob("*.json")):
        for context, phrases in json.loads(path.read_text(encoding="utf-8")).items():
            for english, chinese in phrases.items():
                if found.setdefault((context, english), chinese) != chinese:
                    raise ValueError(
                        f"{path.name}: '{english}' in '{context}' has another translation elsewhere"
                    )
    return found


def fill(target: Path) -> tuple[list[Text], list[Text]]:
    """Put the phrases into a ts file; returns texts without a phrase, and phrases without a text."""
    phrases = books()
    tree = ElementTree.parse(target)
    missing, used = [], set()
    for context in tree.getroot().findall("context"):
        name = context.findtext("name") or ""
        for message in context.findall("message"):
            english, place = message.findtext("source") or "", message.find("translation")
            assert place is not None
            chinese = phrases.get((name, english), "")
            used.add((name, english))
            if chinese:
                place.text = chinese
                place.attrib.pop("type", None)
            else:
                missing.append((name, english))
    text = ElementTree.tostring(tree.getroot(), encoding="unicode")
    target.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{text}\n', encoding="utf-8")
    return missing, sorted(phrases.keys() - used)


def compile_to(source: Path, target: Path) -> None:
    """Compile a ts file. Raises: CalledProcessError.

    Put in place at once: a window that is open reads the file it has mapped, and would fall over one cut under it.
    """
    fresh = target.with_suffix(".new.qm")
    words = [tool("pyside6-lrelease"), str(source), "-qm", str(fresh)]
    subprocess.run(words, check=True, capture_output=True, timeout=TOOL_S)
    fresh.replace(target)


def main() -> int:
    """Update everything; 1 where a text has no Chinese."""
    SOURCE.unlink(missing_ok=True)
    collect(SOURCE)
    missing, unused = fill(SOURCE)
    compile_to(SOURCE, COMPILED)
    for context, english in missing:
        sys.stderr.write(f"no Chinese: {context}: {english!r}\n")
    for context, english in unused:
        sys.stderr.write(f"not used any more: {context}: {english!r}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
