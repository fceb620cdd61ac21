"""What labctl asks of a potentiostat: small capabilities, cell on and off always explicit.

A technique is checked whole against the model's capabilities **before any byte is sent**: a frequency, a current or a
compliance that the model cannot reach is refused while the cell is still off. Results come as blocks of columns with
status bits. Anodic current is positive, Z'' signed, amplitudes rms. All methods raise ``labctl.errors.InstrumentError``
subclasses; none retries anything that energises. Source: potentiostat.md 4.2 and safety-and-faults.md section 3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from labctl.interfaces.cycler import SilencePolicy
from labctl.model.spectrum import AmplitudeKind, FloatArray, Spectrum, SpectrumHead
from labctl.model.technique import Technique


class MeasurementState(StrEnum):
    """Where a measurement stands. The last three are ends; each of them has switched the cell off."""

    ARMED = "armed"
    SETTLING = "settling"
    RUNNING = "running"
    FINISHING = "finishing"
    DONE = "done"
    ABORTED = "aborted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PotentiostatIdentity:
    """Who answers. Texts as the device gave them; empty where it does not tell."""

    maker: str
    model: str
    serial: str
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class PotentiostatCapabilities:
    """What this model can do, as data.

    ``readable_A`` gives, for each of ``ranges_A``, the largest current it can really read: names of ranges are not
    always that. ``attended`` is true where a person has to be there (file-driven instruments). ``wire_sign`` is -1 for
    devices that count reduction current as positive; the driver has turned it already.
    """

    model: str
    techniques: frozenset[type]
    potential_min_V: float
    potential_max_V: float
    ranges_A: tuple[float, ...]
    readable_A: tuple[float, ...]
    current_max_A: float
    eis_min_Hz: float
    eis_max_Hz: float
    amplitude_min_V: float
    amplitude_max_V: float
    points_max: int
    native_amplitude: AmplitudeKind
    wire_sign: int = 1
    silence: SilencePolicy = SilencePolicy.OUTPUT_OFF
    watchdog: bool = False
    attended: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PotentiostatReading:
    """One reading as the device says it is now; NaN for what it does not tell, ``None`` for an unknown cell switch."""

    e_V: float
    i_A: float
    cell_on: bool | None
    range_A: float
    overload: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DcBlock:
    """Points of a DC technique. Every column has shape (n,); ``scan`` counts from 1 in voltammetry, else 0."""

    elapsed_s: FloatArray
    e_V: FloatArray
    i_A: FloatArray
    scan: NDArray[np.int32]
    flags: NDArray[np.uint8]


Block = DcBlock | Spectrum
"""What a measurement delivers: DC points, or a slice of a spectrum."""


class Measurement(Protocol):
    """One technique under way.

    Iterating yields blocks as they come, and raises what went wrong after the points measured so far have been
    yielded. However it ends, the cell has been switched off and that has been read back where the device can tell;
    where it could not be, UnknownStateError says so.
    """

    @property
    def state(self) -> MeasurementState: ...
    @property
    def points_expected(self) -> int | None:
        """Return how many points it will have; None where an end condition decides."""

    @property
    def points_got(self) -> int: ...
    @property
    def remaining_s(self) -> float | None:
        """Return the plant seconds it is expected to take still; None where nobody can tell."""

    @property
    def head(self) -> SpectrumHead:
        """Return what is true for a whole spectrum; the open circuit after it is there once it has ended."""

    def blocks(self) -> AsyncIterator[Block]: ...
    async def abort(self) -> None:
        """End it now and switch the cell off. Points measured so far are kept. Harmless after an end."""


class PersonAct(StrEnum):
    """What a person is asked to do at an attended instrument, which labctl can neither start nor stop."""

    BEGIN = "begin"  # connect the cell, set the experiment as the sheet says, start it
    END = "end"  # the data has come: see that the cell is off; it may be taken away
    STOP = "stop"  # stop now and switch the cell off


@dataclass(frozen=True, slots=True)
class PersonAsked:
    """What a person must do and then confirm; ``sheet`` is the file with the settings, where there is one."""

    act: PersonAct
    text: str
    sheet: str = ""


@runtime_checkable
class AttendedMeasurement(Measurement, Protocol):
    """A measurement in which a person has a part (``PotentiostatCapabilities.attended``).

    Whoever shows it to people looks at ``asked``, or waits for ``next_asked``, while another task iterates over
    ``blocks``, which waits until the answer has come. What was asked last stays asked, also after an end in
    UnknownStateError, until it is confirmed.
    """

    @property
    def asked(self) -> PersonAsked | None:
        """Return what a person must do and confirm now; None while nobody is waited for."""

    async def next_asked(self, before: PersonAsked | None = None) -> PersonAsked:
        """Wait until something else than ``before`` is asked, and return it."""

    def confirm(self, by: str) -> None:
        """Say that it has been done, and by whom. Raises UsageError where nothing is asked."""


class Potentiostat(Protocol):
    """One potentiostat with one cell connection."""

    @property
    def name(self) -> str: ...
    async def open(self) -> PotentiostatIdentity:
        """Connect, identify, and make sure that the cell is off: the first act after any lost link."""

    async def close(self) -> None:
        """Switch the cell off and disconnect; also after errors. May be called twice."""

    def capabilities(self) -> PotentiostatCapabilities:
        """Return what the identified model can do. Raises UsageError before ``open``."""

    def refusals(self, technique: Technique) -> tuple[str, ...]:
        """Return every reason why this model cannot do that, one sentence each; sends nothing."""

    async def read(self) -> PotentiostatReading: ...
    async def cell_off(self) -> None:
        """Switch the cell off and read it back. Raises UnknownStateError where it does not agree."""

    async def measure(self, technique: Technique) -> Measurement:
        """Begin a technique. Raises UsageError with every refusal, before a byte is sent, or RefusedError."""
