"""A fake station behind its real application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labctl.clock import ClockMode
from labctl.testing.apibench import Scene, play_api

Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a scene on a fake station, in jump time unless told otherwise."""

    def played(scene: Scene, mode: ClockMode = ClockMode.JUMP) -> None:
        play_api(scene, tmp_path / "data", mode)

    return played
