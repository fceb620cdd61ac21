"""A note in a run's folder that a person wants it stopped: how another process tells the one that follows
the run.
"""

from __future__ import annotations

import json
from os.path import exists
from pathlib import Path

NAME = "stop-request.json"


def request_stop(folder: Path, reason: str, utc: str) -> bool:
    """Leave the note, whole or not at all; False where the disk does not take it: a stop never waits for a disk."""
    temporary = folder / (NAME + ".tmp")
    try:
        temporary.write_text(json.dumps({"reason": reason, "utc": utc}), encoding="utf-8")
        temporary.replace(folder / NAME)
    except OSError:
        return False
    return True


def requested_stop(folder: Path) -> str:
    """Return the reason of the note, or an empty text where there is none. Asked for every run at every turn: cheap."""
    if not exists(f"{folder}/{NAME}"):  # noqa: PTH110 - making a Path costs more than the question
        return ""
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
    except OSError:
        return ""
    try:
        return str(json.loads(text).get("reason", "")) or "stopped by a person"
    except (ValueError, AttributeError):
        return "stopped by a person"
