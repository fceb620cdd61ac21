"""A lockstep bench and a data root with its cells, shared by the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labctl.cli.app import main
from labctl.testing.commandline import Call, captured
from labctl.testing.sim import RunningBench, running_bench


@dataclass(frozen=True, slots=True)
class Lab:
    """A running bench and the data root beside it."""

    bench: RunningBench
    data: Path

    def call(self, *words: str) -> Call:
        """Run labctl with this station and data root."""
        return captured(main, *words, "--station", str(self.bench.station_file), "--data", str(self.data))

    def json(self, *words: str) -> Any:
        """Return what labctl prints with --json; it must have gone well."""
        call = self.call(*words, "--json")
        assert call.code == 0, call.err
        return call.json


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    data = tmp_path_factory.mktemp("lab") / "data"
    with running_bench("--mode", "lockstep") as bench:
        lab = Lab(bench, data)
        assert lab.json("cells", "import", bench.first["cells_file"])["refused"] == []
        yield lab
