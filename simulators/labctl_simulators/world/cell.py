"""One battery cell of the virtual bench: committed state, and chunks planned from it.

A device plans a chunk, asks it about any ticks, and commits at its own events::

    cell.begin_step(+1)                                   # sign of the coming current
    chunk = cell.plan(Drive.cc(0.785398e-3), air_degC, longest_ticks=36_600)
    chunk.voltage_V(np.arange(100, chunk.ticks + 1, 100)) # pure, any number of times
    cell.commit(chunk, chunk.ticks, air_degC)             # then plan the next one

``plan`` never changes the cell, and what a chunk says about a tick does not depend on ``longest_ticks``.
Reads in between evaluate a chunk; only ``begin_step`` and ``commit`` move the cell.

Source: cell-models.md sections 3 and 5; virtual-time.md section 4.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.errors import UserInputError
from labctl.model.units import cm2_from_disc_mm
from labctl_simulators.world.circuit import Circuit, Moment
from labctl_simulators.world.drive import (
    REACHED,
    Chunk,
    Drive,
    DriveKind,
    Segment,
    State,
    TickArray,
    first_beyond,
)
from labctl_simulators.world.elements import FloatArray, open_circuit_point, open_circuit_V
from labctl_simulators.world.hold import HoldChunk
from labctl_simulators.world.impedance import impedance_ohm
from labctl_simulators.world.modes import TICKS_LONGEST, TICK_s
from labctl_simulators.world.precursor import ONSET_FRACTION, Precursor
from labctl_simulators.world.steady import SteadyChunk
from labctl_simulators.world.variants import Variant, variant_named, variant_with_film, with_overrides

__all__ = ["Cell", "CellSpec", "Chunk", "Drive", "DriveKind", "State", "TickArray", "first_beyond"]

LAG_s = 900.0
"""The cell follows the air of its chamber with this time constant."""
SETTLED_K = 0.05
RENEWAL_TICKS = 600
"""While cell and air differ by more than SETTLED_K, parameters are renewed each 60 s."""
LEAK_REFERENCE_mA_cm2 = 0.1


@dataclass(frozen=True, slots=True)
class CellSpec:
    """A cell as a bench file describes it.

    ``film_nm`` blends the pristine and the coated variant of the family; without it ``variant`` is taken as
    it is. ``seed`` gives the cell random numbers of its own; ``x`` replaces the lithium fraction at
    assembly.
    """

    cell_id: str
    variant: str
    diameter_mm: float = 10.0
    film_nm: float | None = None
    seed: int | None = None
    x: float | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    precursor: bool = False

    def resolved(self) -> Variant:
        """Return the parameters: variant or blend, then the overrides. Raises UserInputError."""
        if not (math.isfinite(self.diameter_mm) and self.diameter_mm > 0.0):
            raise UserInputError(f"Cell {self.cell_id}: a disc of {self.diameter_mm} mm cannot be.")
        if self.film_nm is None:
            variant = variant_named(self.variant)
        else:
            variant = variant_with_film(self.variant, self.film_nm)
        return with_overrides(variant, self.overrides)


class Cell:
    """One cell. Without any seed all random numbers take their central value (z = 0)."""

    def __init__(
        self, spec: CellSpec, bench_seed: int | None = None, *, temperature_degC: float | None = None
    ) -> None:
        self.spec = spec
        self.variant = spec.resolved()
        self.area_cm2 = cm2_from_disc_mm(spec.diameter_mm)
        self.circuit = Circuit(self.variant, self.area_cm2)
        self._generator = _generator(spec, bench_seed)
        z = 0.0 if self._generator is None else float(self._generator.standard_normal())
        self.short_mAh_cm2 = self.variant.short_mAh_cm2 * math.exp(self.variant.short_sigma * z)
        start_degC = self.variant.reference_degC if temperature_degC is None else temperature_degC
        self.state = State(
            circuit_V=np.zeros(self.circuit.circuit_count),
            particle=np.zeros(len(self.circuit.particle_weights)),
            x=self.variant.positive.x_start if spec.x is None else float(spec.x),
            temperature_degC=start_degC,
        )
        self.half_cycles = 0
        self.leak_A = 0.0
        self._sign = 0
        self._step_ticks = 0
        self._segment: Segment | None = None
        self._passed_Ah = 0.0
        self._precursor_key = zlib.crc32(spec.cell_id.encode()) + (
            ((bench_seed if spec.seed is None else spec.seed) or 0) << 32
        )

    # -- steps ---------------------------------------------------------------------------------------------

    def begin_step(self, sign: int) -> None:
        """Start a step whose current will have this sign (-1, 0, +1).

        A change of polarity starts a half-cycle: its charge counts from 0 and a leak is drawn. Rests do not.
        """
        self._step_ticks = 0
        self._passed_Ah = 0.0
        self._segment = None
        if sign == 0 or sign == self._sign:
            return
        self._sign = sign
        self.half_cycles += 1
        if self.state.half_charge_mAh_cm2:
            self.state = replace(self.state, half_charge_mAh_cm2=0.0)
        self._draw_leak()

    def _draw_leak(self) -> None:
        leak, cycle = self.variant.leak, self.cycle
        if not self.circuit.full or leak.fraction <= 0.0 or cycle <= leak.onset_cycle:
            return
        factor = 1.0
        if self._generator is not None:
            z = float(self._generator.standard_normal())
            factor = math.exp(leak.sigma * z - 0.5 * leak.sigma * leak.sigma)
        rise = 1.0 - math.exp(-(cycle - leak.onset_cycle) / leak.rise_cycles)
        reference_A = LEAK_REFERENCE_mA_cm2 * 1e-3 * self.area_cm2
        self.leak_A = leak.fraction * reference_A * rise * factor

    @property
    def cycle(self) -> int:
        """Return the cycle as the cell counts it: half of the half-cycles begun, rounded up."""
        return (self.half_cycles + 1) // 2

    # -- planning and committing ---------------------------------------------------------------------------

    def plan(self, drive: Drive, temperature_degC: float, longest_ticks: int) -> Chunk:
        """Return the next chunk under a drive, with the chamber's air at a temperature. Pure.

        It ends at the earliest of: ``longest_ticks``, the next 0.25 mAh/cm2 of the step (rounded up to a
        tick), the hard short, 60 s while cell and air differ by more than 0.05 K, ten hours.
        """
        longest = max(min(longest_ticks, TICKS_LONGEST), 0)
        if abs(self.state.temperature_degC - temperature_degC) > SETTLED_K:
            longest = min(longest, RENEWAL_TICKS)
        segment = self._segment
        if segment is None or not drive.same_as(segment.drive):
            segment = Segment(
                drive,
                self._step_ticks,
                self._passed_Ah,
                self.state.throughput_mAh_cm2,
                self.state.half_charge_mAh_cm2,
            )
        moment = self.moment()
        if drive.kind is DriveKind.CV:
            hold = HoldChunk(
                self.circuit, moment, self.state, segment, self._step_ticks, self._passed_Ah, self.leak_A
            )
            planned: Chunk = hold.limited(longest, self.short_mAh_cm2)
        else:
            precursor = self._active_precursor()
            steady = SteadyChunk(
                self.circuit, moment, self.state, segment, self._step_ticks, self.leak_A, precursor
            )
            planned = steady.limited(longest, self.short_mAh_cm2)
        planned.air_degC = temperature_degC
        return planned

    def commit(self, chunk: Chunk, ticks: int, temperature_degC: float) -> None:
        """Move the cell to a tick of the chunk planned last; the air then has ``temperature_degC``.

        Raises ValueError for a tick outside the chunk, or for a chunk planned from another state.
        """
        if not 0 <= ticks <= chunk.ticks:
            raise ValueError(f"tick {ticks} is outside the chunk of {chunk.ticks}")
        if chunk.offset_ticks != self._step_ticks:
            raise ValueError("the chunk was planned before the cell moved")
        state = chunk.state_at(ticks)
        cell_degC = self._lagged_degC(chunk, ticks, temperature_degC)
        shorted = state.shorted or state.throughput_mAh_cm2 >= self.short_mAh_cm2 * REACHED
        passed_Ah = float(chunk.capacity_Ah(np.array([ticks], dtype=np.int64))[0])
        self.state = replace(state, temperature_degC=cell_degC, shorted=shorted)
        self._segment = chunk.segment
        self._step_ticks += ticks
        self._passed_Ah = passed_Ah

    def _lagged_degC(self, chunk: Chunk, ticks: int, air_degC: float) -> float:
        """Follow the air with a first-order lag; between plan and commit the air moves linearly."""
        passed_s = TICK_s * ticks
        if passed_s == 0.0:
            return chunk.temperature_degC
        trailing_degC = (air_degC - chunk.air_degC) / passed_s * LAG_s
        return (
            air_degC
            - trailing_degC
            + (chunk.temperature_degC - chunk.air_degC + trailing_degC) * math.exp(-passed_s / LAG_s)
        )

    def _active_precursor(self) -> Precursor | None:
        if not self.spec.precursor or self.state.shorted:
            return None
        if self.state.throughput_mAh_cm2 <= ONSET_FRACTION * self.short_mAh_cm2:
            return None
        return Precursor(self._precursor_key)

    def moment(self) -> Moment:
        """Return resistances and capacity at the present throughput and temperature."""
        return self.circuit.at(self.state.throughput_mAh_cm2, self.state.temperature_degC)

    # -- what can be known of the cell now -----------------------------------------------------------------

    @property
    def shorted(self) -> bool:
        """Tell whether the cell is a resistor for ever."""
        return self.state.shorted

    @property
    def ocv_V(self) -> float:
        """Return the equilibrium voltage at the present lithium fraction; 0 V for symmetric or shorted
        cells.
        """
        if self.state.shorted:
            return 0.0
        return open_circuit_point(self.variant.chemistry, self.state.x)[0]

    def elements_ohm(self) -> dict[str, float]:
        """Return the resistances that a spectrum would show now: electrolyte, film, charge transfer, diffusion."""
        areal = self.circuit.areal(self.state.throughput_mAh_cm2, self.state.temperature_degC)
        return {
            "bulk": areal.bulk_ohm_cm2 / self.area_cm2,
            "sei": float(areal.sei_ohm_cm2) / self.area_cm2,
            "ct": float(areal.ct_ohm_cm2) / self.area_cm2,
            "warburg": float(areal.warburg_ohm_cm2) / self.area_cm2,
        }

    @property
    def rest_voltage_V(self) -> float:
        """Return what a voltmeter shows at open circuit now, relaxation included."""
        if self.state.shorted:
            return 0.0
        relaxing_V = float(self.state.circuit_V.sum())
        if not self.circuit.full:
            return relaxing_V
        surface = np.array([self.state.x + float(self.state.particle.sum())])
        return relaxing_V + float(open_circuit_V(self.variant.chemistry, surface)[0])

    @property
    def dead_lithium_mAh_cm2(self) -> float:
        """Return the lithium lost so far, kappa Q_t / 2 (a report, without feedback)."""
        return self.variant.dead_lithium_fraction * self.state.throughput_mAh_cm2 / 2.0

    def impedance(self, frequency_Hz: FloatArray) -> NDArray[np.complex128]:
        """Return the complex impedance in Ohm at the present state (section 6)."""
        return impedance_ohm(self.circuit, self.moment(), self.state, self.leak_A, frequency_Hz)


def _generator(spec: CellSpec, bench_seed: int | None) -> np.random.Generator | None:
    if spec.seed is not None:
        return np.random.default_rng(spec.seed)
    if bench_seed is None:
        return None
    return np.random.default_rng([bench_seed, zlib.crc32(spec.cell_id.encode())])
