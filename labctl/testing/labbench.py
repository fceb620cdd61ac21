"""A lab's own protocols on virtual cells, in a test, in seconds: real engine, drivers and store in jump mode.

::

    def test_formation_ends_charged(virtual_bench):
        run = virtual_bench.run("formation.yaml", "LFP-P")
        assert run.outcome == "finished"
        assert run.frame["voltage_volt"].max() < 3.9
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.config.celltable import cell_from_text
from labctl.engine.jobs import Job, RunResult
from labctl.engine.station import Station
from labctl.model.cell import Cell
from labctl.model.ids import ChannelId
from labctl.model.program import Program
from labctl.protocol.bind import bind
from labctl.protocol.library import find_protocol
from labctl.protocol.parse import load_protocol
from labctl.store.runreader import RunReader
from labctl.testing.benchrun import BenchRun, small_bench

if TYPE_CHECKING:
    import pandas as pd

CHANNEL = ChannelId("neware:1-1")
MODEL = "5V100mA-4R"
ROOM = "room"


@dataclass(frozen=True, slots=True)
class LabRun:
    """What a protocol did to a cell. Columns are those of the Battery Data Format; current is positive on charge."""

    result: RunResult
    reader: RunReader
    program: Program

    @property
    def outcome(self) -> str:
        """Return how the run ended, ``running`` for one that did not."""
        return self.result.outcome.value if self.result.outcome else self.result.state

    @property
    def frame(self) -> pd.DataFrame:
        """Return every row, ``test_time_second``, ``voltage_volt``, ``current_ampere`` and the rest."""
        return self.reader.frame()

    @property
    def cycles(self) -> pd.DataFrame:
        """Return one row per cycle: capacities, efficiency, polarisation."""
        import pandas as pd

        return pd.DataFrame(self.reader.cycles())

    @property
    def findings(self) -> list[str]:
        """Return what was found on the way, ``kind: text`` each."""
        return [f"{finding.kind}: {finding.text}" for finding in self.result.findings]


class LabBench:
    """Runs protocols on virtual cells; each ``run`` is a fresh cell in a fresh laboratory."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is for step files; rows go to a simulated disk."""
        self._folder = folder
        self._runs = 0
        self.last: BenchRun | None = None
        """The laboratory of the last run, for faults and for the bench's truth."""

    def lab(self, variant: str = "LIQ-P", **options: Any) -> tuple[BenchRun, Cell]:
        """Return a laboratory with one cell of a variant, and the cell as its maker would register it.

        ``options`` go into the bench file's cell: ``seed``, ``diameter_mm``, ``film_nm``. Raises: UserInputError.
        """
        self._runs += 1
        spec = small_bench(
            {"variant": variant, "chamber": ROOM, **options},
            chambers=[{"name": ROOM, "air_degC": 25, "setpoint_degC": 25, "on": True}],
            units=[{"unit": 1, "model": MODEL}],
        )
        self.last = BenchRun(spec, self._folder / f"lab-{self._runs}")
        (row,) = self.last.bench.registry()
        return self.last, cell_from_text({name: text for name, text in row.items() if text})

    def run(
        self,
        protocol: str | Path,
        variant: str = "LIQ-P",
        *,
        variables: Mapping[str, str] | None = None,
        cell: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> LabRun:
        """Run a protocol (file, or name in the library) on a fresh cell to its end.

        ``variables`` are the protocol's; ``cell`` changes the registered cell; ``options`` the virtual one. Raises:
        UserFileError, ProgramError for a protocol that cannot run, UserInputError.
        """
        lab, registered = self.lab(variant, **options)
        registered = replace(registered, **(cell or {}))
        path = find_protocol(str(protocol))
        loaded = load_protocol(path, dict(variables or {}))
        program = lab.play(_binding(loaded, registered, dict(variables or {})))
        text = Path(path).read_text(encoding="utf-8")
        (result,) = lab.run([Job(program, registered, protocol_text=text)])
        return LabRun(result, lab.reader(result), program)


def _binding(protocol: Any, cell: Cell, variables: Mapping[str, str]) -> Any:
    async def story(station: Station) -> Program:
        return bind(
            protocol, cell, CHANNEL, station.capabilities(CHANNEL), variables=variables, has_chamber=True
        )

    return story
