"""What the station says of a text that is not saved: its check for a cell in its channel, and a simulation (F8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.protocol.sketch import Sketch
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell
from labctl.model.library import CheckReport, ProtocolUse
from labctl.model.prediction import Prediction, PredictionState

CHECK_S = 20.0
SIMULATE_S = 60.0


class Remote:
    """Answers of the station, each with the version of the text that it is about."""

    def __init__(self, lab: Lab, asks: Asks, tell: Callable[[], None]) -> None:
        self._lab, self._asks, self._tell = lab, asks, tell
        self._check: tuple[int, CheckReport] | None = None
        self._sketch: tuple[int, Sketch] | None = None
        self.simulating = False
        self.told = ""
        """What came of the last simulation, in words."""
        self.trouble: Trouble | None = None
        self.uses: tuple[ProtocolUse, ...] = ()
        """Jobs that wait or run with the open protocol, each with the revision that it stays on."""

    def ask_uses(self, name: str) -> None:
        """Ask who waits or runs with a protocol; a station that cannot tell leaves it empty."""
        self.uses = ()

        def take(found: tuple[ProtocolUse, ...]) -> None:
            self.uses = tuple(found)
            self._tell()

        self._asks.ask("protocols.uses", name, then=take, deadline_s=CHECK_S)

    def forget(self) -> None:
        """Forget every answer: another protocol, or another cell."""
        self._check, self._sketch, self.told, self.trouble = None, None, "", None

    def says_of(self, version: int) -> CheckReport | None:
        """Return the check of a version of the text."""
        return self._check[1] if self._check is not None and self._check[0] == version else None

    def sketch_of(self, version: int) -> Sketch | None:
        """Return the simulation of a version of the text."""
        return self._sketch[1] if self._sketch is not None and self._sketch[0] == version else None

    def why_not(self) -> str:
        """Return why the station cannot simulate now; empty where it can."""
        if self.simulating:
            return tr("protocoleditor", "The station is simulating.")
        return (
            ""
            if self._lab.link.live
            else tr("protocoleditor", "The station cannot be reached; it simulates.")
        )

    def check(self, text: str, version: int, cell: Cell | None, name: str) -> None:
        """Ask for the check of a text."""
        if not self._lab.link.live:
            return

        def take(report: CheckReport) -> None:
            self._check = (version, report)
            self._tell()

        cell_id = None if cell is None else str(cell.cell_id)
        self._asks.ask("protocols.check", text, cell_id=cell_id, name=name, then=take, failed=self._failed,
                       deadline_s=CHECK_S)  # fmt: skip

    def simulate(self, text: str, version: int, cell: Cell, name: str, drawn: Sketch | None) -> None:
        """Ask for a rehearsal on a twin of the cell; ``drawn`` gives the loops of the present sketch."""
        self.simulating, self.trouble = True, None
        self.told = tr("protocoleditor", "The station is simulating.")

        def take(found: Prediction) -> None:
            self.simulating = False
            self._take(version, found, drawn)
            self._tell()

        self._asks.ask("protocols.sketch", text, str(cell.cell_id), name=name, then=take, failed=self._failed,
                       deadline_s=SIMULATE_S)  # fmt: skip
        self._tell()

    def _take(self, version: int, found: Prediction, drawn: Sketch | None) -> None:
        times, volts = found.columns.get("test_time_s", ()), found.columns.get("voltage_V", ())
        if found.state is not PredictionState.READY or not times:
            told = tr("protocoleditor", "There is no simulation: {why}")
            self.told = told.format(why=found.reason or found.state.value)
            return
        base = Sketch() if drawn is None else drawn
        made = replace(
            base,
            time_s=list(times),
            voltage_V=list(volts),
            sweeps_s=[],
            simulated=True,
            goes_on=not found.whole,
        )
        end_s = times[-1]
        made.brackets = [item for item in base.brackets if item.begin_s < end_s]
        self._sketch = (version, made)
        parts = [found.twin, found.outcome, "" if found.whole else tr("protocoleditor", "only its beginning")]
        self.told = ", ".join(part for part in parts if part)

    def _failed(self, trouble: Trouble) -> None:
        self.simulating, self.trouble, self.told = False, trouble, str(trouble)
        self._tell()
