"""Writes the published OpenAPI document: ``python -m labctl.api.server.publish docs/schemas/openapi.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from labctl.api.server.app import make_app
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock

if TYPE_CHECKING:
    from labctl.station.core import StationCore


class _Nobody:
    """A core that is never asked: the document depends on the routes alone."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock


def document_text() -> str:
    """Return the OpenAPI document of the API as it is published."""

    async def main(clock: Clock) -> str:
        app = make_app(cast("StationCore", _Nobody(clock)))
        return json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    return run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document_text(), encoding="utf-8")
