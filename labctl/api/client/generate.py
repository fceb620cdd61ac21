"""Make ``labctl.api.client.sync`` from ``labctl.api.client.aio``: one source, two clients.

Run ``python -m labctl.api.client.generate`` after a change; a test says when that was forgotten.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HEAD = "# Made from {source} by `python -m labctl.api.client.generate`.\n"

CHANGES: tuple[tuple[str, str], ...] = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync([A-Z])", r"\1"),
    (r"\b__a(enter|exit|iter|next)__", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\b(connect|link_pause)_async\b", r"\1"),
    (r"\bclient\.aio\b", "client.sync"),
    (r"\bwebsockets\.asyncio\.client\b", "websockets.sync.client"),
)
"""What differs between the two, as patterns and replacements; everything else is the same text."""


def made_from(source: Path) -> str:
    """Return the text of the plain client's file, formatted as the house formats it."""
    text = source.read_text(encoding="utf-8")
    for pattern, replacement in CHANGES:
        text = re.sub(pattern, replacement, text)
    text = HEAD.format(source=source.relative_to(ROOT).as_posix()) + text
    name = str(target_of(source))
    for words in (
        ["check", "--select", "I,UP028", "--fix", "--unsafe-fixes", "--quiet"],
        ["format", "--quiet"],
    ):
        text = _ruff([*words, "--stdin-filename", name, "-"], text)
    return text


def _ruff(words: list[str], text: str) -> str:
    command = [sys.executable, "-m", "ruff", *words]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, encoding="utf-8", check=True, cwd=ROOT
    )
    return done.stdout


def sources() -> list[Path]:
    """Return the files that the plain client is made from."""
    return sorted(path for path in (HERE / "aio").glob("*.py") if path.name != "__init__.py")


def target_of(source: Path) -> Path:
    """Return where the plain client's file belongs."""
    return HERE / "sync" / source.name


def main() -> int:
    """Write every file of the plain client anew."""
    for source in sources():
        target_of(source).write_text(made_from(source), encoding="utf-8")
        sys.stdout.write(f"{target_of(source).relative_to(ROOT)} made.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
