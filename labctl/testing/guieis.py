"""A lab with a potentiostat, cells that wait for it and spectra over a cell's life: for tests of the EIS view."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from labctl.analysis.eis.report import judge
from labctl.gui.viewmodels.acts import Asks, Failed, Then, Trouble, TroubleKind
from labctl.gui.viewmodels.lab import Lab
from labctl.model.bench import LinkState
from labctl.model.cell import CellKind
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry, Stage, Via
from labctl.model.ids import ChannelId
from labctl.model.impedance import SpectrumFit, SpectrumTable
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.testing.guilab import FakeAsks, cell, running, tell

PSTAT, CELL, RUN, CHANNEL = "pstat-1", "C0137", "run-137", "neware:2-37"
SENTENCE = "1 MHz to 100 mHz, 10 points per decade, 10 mV rms"
UTC = "2026-04-21T01:{minute:02}:20+00:00"
R_B_OHM = 6.37
R_SEI_OHM = {0: 95.5, 10: 70.0, 20: 92.0, 30: 118.0, 40: 158.0, 50: 219.8, 59: 321.8}
"""The film over the cycles; it grows in the end."""
R_CT_OHM = {0: 38.2, 10: 39.6, 20: 42.1, 30: 44.3, 40: 47.0, 50: 50.5, 59: 55.7}
NOISE = 5e-4


def z_of(cycle: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return frequencies in Hz and impedance in ohm of the cell at a cycle, with a little noise. Deterministic."""
    f_Hz = np.geomspace(1e6, 0.1, 71)
    s = 2j * np.pi * f_Hz
    sei, ct = R_SEI_OHM[cycle], R_CT_OHM[cycle]
    z_ohm = R_B_OHM + 3e-7 * s + sei / (1.0 + (s * 1.4e-3) ** 0.82) + ct / (1.0 + (s * 60e-3) ** 0.86)
    z_ohm = z_ohm + 14.0 / np.sqrt(s)
    chance = np.random.default_rng(1000 + cycle)
    noise = chance.standard_normal(71) + 1j * chance.standard_normal(71)
    return f_Hz, np.asarray(z_ohm * (1.0 + NOISE * noise), dtype=np.complex128)


def spectrum(cycle: int, points: int = 71) -> Spectrum:
    """Return a spectrum of the cell; fewer points are a sweep that runs."""
    f_Hz, z_ohm = z_of(cycle)
    head = SpectrumHead("", PSTAT, cell_id=CELL, cycle=cycle, area_cm2=0.785, amplitude_rms_V=0.01,
                        ocv_before_V=3e-4, ocv_after_V=5e-4)  # fmt: skip
    return Spectrum.of(f_Hz[:points], z_ohm[:points], head, e_dc_V=np.full(points, 3e-4))


def entry(cycle: int, **words: Any) -> SpectrumEntry:
    """Return the entry of a spectrum in the list."""
    at = sorted(R_SEI_OHM).index(cycle)
    full = {"part": at + 1, "cycle": cycle, "taken_utc": f"2026-04-{10 + at:02}T08:30:00+00:00", "instrument": PSTAT,
            "points": 71, "f_max_Hz": 1e6, "f_min_Hz": 0.1, **words}  # fmt: skip
    return SpectrumEntry(f"{RUN}-e{at + 1}", CELL, RUN, **full)


@lru_cache(maxsize=32)
def table_of(spectrum_id: str) -> SpectrumTable:
    """Return a spectrum as the station gives it."""
    cycle = sorted(R_SEI_OHM)[int(spectrum_id.rpartition("-e")[2]) - 1]
    return SpectrumTable.of(entry(cycle), spectrum(cycle))


@lru_cache(maxsize=32)
def fit_of(spectrum_id: str, circuit: str = "") -> SpectrumFit | Trouble:
    """Return what the analysis says of it; a circuit that cannot be read is trouble."""
    if circuit and "R" not in circuit:
        return Trouble("Not fitted.", f"The circuit {circuit} cannot be read.", kind=TroubleKind.REFUSED)
    return judge(spectrum_id, table_of(spectrum_id).spectrum(), circuit)


def live_table(points: int = 41, cycle: int = 59) -> SpectrumTable:
    """Return the points so far of a sweep."""
    under_way = SpectrumEntry("", CELL, RUN, instrument=PSTAT, points=points, outcome="under way")
    return SpectrumTable.of(under_way, spectrum(cycle, points))


def potentiostat(**words: Any) -> PotentiostatStatus:
    """Return the potentiostat, free, its cell off."""
    full = {"identity": "PARSTAT 4000", "cell_on": False, "e_V": 3e-4, "i_A": 0.0, "range_A": 1e-4,
            "eis_min_Hz": 1e-2, "eis_max_Hz": 1e6, "seen_utc": UTC.format(minute=42), **words}  # fmt: skip
    return PotentiostatStatus(PSTAT, "versastat_vdk", "http://127.0.0.1:9000", LinkState.LIVE, **full)


def measuring(points: int = 41) -> PotentiostatStatus:
    """Return the potentiostat while it measures the cell."""
    return potentiostat(
        cell_on=True, run_id=RUN, cell_id=CELL, points_got=points, points_expected=71, left_s=110.0
    )


def handover(stage: Stage = Stage.TO_POTENTIOSTAT, **words: Any) -> HandoverStatus:
    """Return the handover of the cell; in stages of moving a person is asked."""
    moving = stage in (Stage.TO_POTENTIOSTAT, Stage.TO_CYCLER)
    full = {"cell_name": CELL, "potentiostat": PSTAT, "via": Via.OPERATOR, "asked": moving, "expected_V": 3e-4,
            "since_utc": UTC.format(minute=39), "part": 7, "cycle": 59, "sentence": SENTENCE, **words}  # fmt: skip
    return HandoverStatus(full.pop("run_id", RUN), ChannelId(full.pop("channel", CHANNEL)),
                          full.pop("cell_id", CELL), stage=stage, **full)  # fmt: skip


def waiting(number: int, place: int) -> HandoverStatus:
    """Return another cell that waits."""
    return handover(Stage.QUEUED, run_id=f"run-{number}", channel=f"neware:2-{number - 100}", cell_id=f"C0{number}",
                    cell_name=f"C0{number}", place=place, cycle=50)  # fmt: skip


def fill(lab: Lab, *values: object, cycles: tuple[int, ...] = (0, 50)) -> None:
    """Tell a lab of the cell with its run, of spectra at some cycles, and of ``values`` (statuses, handovers)."""
    lab.take_cells([cell(CELL, CellKind.SYMMETRIC, coating="pristine", area_cm2=0.785)], whole=False)
    tell(
        lab, running(CHANNEL, CELL, "paused", run_id=RUN, owner=PSTAT, current_A=0.0, voltage_V=3e-4), *values
    )
    lab.take_spectra([entry(cycle) for cycle in cycles])


def answers(**given: Any) -> dict[str, Any]:
    """Return what the station answers, by verb; ``given`` with underscores for points stands before."""
    usual: dict[str, Any] = {
        "spectra.get": table_of, "spectra.fit": fit_of, "potentiostats.spectrum": lambda name: live_table(),
        "handovers.confirm": "confirmed; the open circuit is compared now",
        "handovers.skip": "the spectrum is given up; the cell goes back",
        "potentiostats.cell_off": "the cell of pstat-1 is off, read back",
    }  # fmt: skip
    return {**usual, **{name.replace("__", "."): value for name, value in given.items()}}


def asks(**given: Any) -> FakeAsks:
    """Return a station that answers at once."""
    return FakeAsks(answers(**given))


class PlayedAsks:
    """A window's way to its station with answers of ours for what is asked of spectra; everything else goes on."""

    def __init__(self, real: Asks) -> None:
        self._real, self._played = real, asks()

    def ask(
        self, verb: str, /, *args: Any, then: Then | None = None, failed: Failed | None = None,
        deadline_s: float = 10.0, **words: Any,
    ) -> None:  # fmt: skip
        """Answer, or ask the station."""
        played = verb in self._played.answers
        target: Asks = self._played if played else self._real
        target.ask(verb, *args, then=then, failed=failed, deadline_s=deadline_s, **words)


def mismatch() -> HandoverStatus:
    """Return a handover whose confirmation was not believed: another cell is on the leads."""
    trouble = "The open circuit at pstat-1 is 2.1043 V, the cycler measured 0.0003 V: 2.1040 V apart, 20 mV allowed."
    return replace(handover(), measured_V=2.1043, trouble=trouble)
