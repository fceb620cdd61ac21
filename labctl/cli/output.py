"""How verbs talk: tables and sentences for people, or exactly one JSON document for scripts.

With ``--json`` standard output carries JSON and nothing else; everything for people goes to standard error.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


_emitted = False


def emit_json(document: object) -> None:
    """Print the one JSON document on standard output; NaN and infinities become null, as JSON has none."""
    global _emitted
    _emitted = True
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_finite(document), ensure_ascii=False, allow_nan=False, default=_plain)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def has_emitted() -> bool:
    """Tell whether the document is out: then an error that comes later goes to standard error alone."""
    return _emitted


def start_over() -> None:
    """Forget what was printed: one process may run several command lines, as tests do."""
    global _emitted
    _emitted = False


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    return value


def console(*, stderr: bool = False) -> Console:
    """Return a rich console; wide enough for tables when output is not a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    return Console(file=stream, width=width, highlight=False, soft_wrap=not stream.isatty())


def say(text: str, *, stderr: bool = False) -> None:
    """Print one plain line."""
    stream = sys.stderr if stderr else sys.stdout
    stream.write(text + "\n")
    stream.flush()


def print_table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """Print a table; columns whose index is in ``right`` are right-aligned (numbers)."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", header_style="bold", pad_edge=False)
    for index, header in enumerate(headers):
        table.add_column(header, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])
    console().print(table)


def _plain(value: Any) -> Any:
    """Turn numpy scalars, paths, enums and sets into plain JSON values."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
