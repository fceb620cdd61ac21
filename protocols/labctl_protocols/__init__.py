"""Ready-made protocols: the reference study, formation, rate test, GITT and more, as YAML beside this file."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """Return the folder that holds the protocol files."""
    return Path(__file__).parent
