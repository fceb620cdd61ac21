"""A potentiostat with one cell that is handed over to it, and one stored spectrum: for tests of API, clients, views.

The engine behind ``station.potentiostats.Potentiostats`` is played: stages are walked by confirmations alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from labctl.analysis.eis.report import judge
from labctl.errors import UserInputError
from labctl.model.bench import LinkState
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry, Stage, Via
from labctl.model.ids import RunId
from labctl.model.impedance import SpectrumFit, SpectrumTable
from labctl.model.plain import to_plain
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.model.technique import Geis, Peis
from labctl.station.feed import Feed
from labctl.testing.fakequeue import CHANNELS, UTC

if TYPE_CHECKING:
    from labctl.testing.fakecore import FakeRuns

PSTAT = "pstat"
SPECTRUM_ID = "20260101T000000-C1-e1"
SENTENCE = "Impedance from 1 MHz to 100 mHz, 10 points per decade, 10 mV rms."
ASKED = {
    Stage.TO_POTENTIOSTAT: "Move the leads of one from neware:1-1 to pstat, then confirm.",
    Stage.TO_CYCLER: "Move the leads of one from pstat to neware:1-1, then confirm.",
}
NEXT = {Stage.TO_POTENTIOSTAT: Stage.MEASURING, Stage.TO_CYCLER: None}


def some_spectrum(head: SpectrumHead | None = None, points: int = 71) -> Spectrum:
    """Return the spectrum of R-(RQ)-(RQ) with a cable, from 1 MHz to 0.1 Hz: a symmetric cell's. Deterministic."""
    f_Hz = np.geomspace(1e6, 0.1, 71)[:points]
    s = 2j * np.pi * f_Hz
    arcs = 60.0 / (1.0 + (s * 1e-3) ** 0.9) + 40.0 / (1.0 + (s * 3e-2) ** 0.85)
    z_ohm = np.asarray(6.0 + 3e-7 * s + arcs, dtype=np.complex128)
    return Spectrum.of(f_Hz, z_ohm, head, e_dc_V=np.full(f_Hz.shape, 1e-4))


class FakePotentiostatEngine:
    """One potentiostat; the run that goes on waits for its leads to be moved there."""

    def __init__(self, feed: Feed, runs: FakeRuns) -> None:
        self._feed = feed
        self._runs = runs
        self.ways: dict[str, HandoverStatus] = {}
        self.status = PotentiostatStatus(
            PSTAT, "fake", "memory", LinkState.LIVE, "fake 1", channels=CHANNELS[:2], cell_on=False, e_V=0.01,
            i_A=0.0, range_A=1e-3, eis_min_Hz=0.1, eis_max_Hz=1e6, seen_utc=UTC,
        )  # fmt: skip
        self.begin()

    def begin(self) -> None:
        """Let the leads of the one cell be waited for."""
        first = HandoverStatus(
            "20260101T000000-C1", CHANNELS[0], "C1", "one", PSTAT, Via.OPERATOR, Stage.TO_POTENTIOSTAT, asked=True,
            text=ASKED[Stage.TO_POTENTIOSTAT], expected_V=0.01, since_utc=UTC, cycle=1, sentence=SENTENCE,
        )  # fmt: skip
        self.ways = {first.run_id: first}

    def tell(self) -> None:
        """Say on the feed how everything stands."""
        self._feed.publish("potentiostat", PSTAT, to_plain(self.potentiostats()[0]))
        for way in self.ways.values():
            self._feed.publish("handover", way.run_id, to_plain(way))

    def potentiostats(self) -> tuple[PotentiostatStatus, ...]:
        """Return the one; it measures whoever is at that stage."""
        at = next((way for way in self.ways.values() if way.stage is Stage.MEASURING), None)
        if at is None:
            return (self.status,)
        return (
            replace(self.status, cell_on=True, run_id=at.run_id, cell_id=at.cell_id, points_got=30,
                    points_expected=71, left_s=60.0),
        )  # fmt: skip

    def handovers(self) -> tuple[HandoverStatus, ...]:
        """Return those that are under way."""
        return tuple(self.ways.values())

    def live_spectrum(self, potentiostat: str) -> Spectrum | None:
        """Return thirty points while it measures."""
        return some_spectrum(points=30) if self.potentiostats()[0].run_id else None

    async def confirm_handover(self, run_id: RunId | str, by: str, reason: str = "") -> None:
        """Go on to the next stage. Raises: UserInputError."""
        way = self.ways.get(run_id)
        if way is None or not way.asked:
            raise UserInputError("Nothing is asked.")
        stage = NEXT[way.stage]
        self._now(run_id, None if stage is None else replace(way, stage=stage, asked=False, text=""))

    async def skip_spectrum(self, run_id: RunId | str, by: str, reason: str) -> None:
        """Ask for the leads to be moved back."""
        way = self.ways[run_id]
        back = Stage.TO_CYCLER
        self._now(run_id, replace(way, stage=back, asked=True, text=ASKED[back]))

    async def cell_off(self, potentiostat: str, by: str) -> None:
        """End what it measures, and ask for the leads to be moved back."""
        for way in list(self.ways.values()):
            if way.stage is Stage.MEASURING:
                await self.skip_spectrum(way.run_id, by, "off")

    async def request_spectrum(self, run_id: RunId | str, technique: Peis | Geis, on: str, by: str) -> None:
        """Queue a spectrum. Raises: UserInputError."""
        if self._runs.get(run_id).state == "ended" or run_id in self.ways:
            raise UserInputError(f"Run {run_id} takes no spectrum now.")
        run = self._runs.get(run_id)
        way = HandoverStatus(
            run_id, run.channel, run.cell_id, run.cell_name, on or PSTAT, Via.OPERATOR, Stage.QUEUED
        )
        self._now(run_id, way)

    def _now(self, run_id: str, way: HandoverStatus | None) -> None:
        if way is None:
            self.ways.pop(run_id)
            self._feed.publish("handover", run_id, None)
        else:
            self.ways[run_id] = way
        self.tell()


class FakeSpectra:
    """One stored spectrum of the run that goes on."""

    def __init__(self) -> None:
        self.entry = SpectrumEntry(
            SPECTRUM_ID, "C1", "20260101T000000-C1", 1, 1, UTC, 3600.0, "fake 1", 71, 1e6, 0.1
        )
        head = SpectrumHead("one", "fake 1", cell_id="C1", cycle=1, area_cm2=0.785, amplitude_rms_V=0.01)
        self.spectrum = some_spectrum(head)

    async def list(self, *, cell_id: str = "", run_id: str = "") -> tuple[SpectrumEntry, ...]:
        """Return it where it is asked for."""
        fits = cell_id in ("", self.entry.cell_id) and run_id in ("", self.entry.run_id)
        return (self.entry,) if fits else ()

    async def get(self, spectrum_id: str) -> SpectrumTable:
        """Return it. Raises: UserInputError."""
        if spectrum_id != SPECTRUM_ID:
            raise UserInputError(f"There is no spectrum {spectrum_id!r}.")
        return SpectrumTable.of(self.entry, self.spectrum)

    async def fit(self, spectrum_id: str, circuit: str = "") -> SpectrumFit:
        """Fit it. Raises: UserInputError."""
        return judge(spectrum_id, (await self.get(spectrum_id)).spectrum(), circuit)
