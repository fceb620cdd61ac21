"""The machines of one run: what is looked for in its rows, in which order, and what they decide together.

Pure work on blocks: no instrument, no store. Stored rows shown again after a restart lead to the same decisions at
the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from labctl.engine.machines.detect import Detector
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.limits import LimitChecker, program_steps
from labctl.engine.machines.restjump import RestJumpWatch
from labctl.engine.machines.stale import BadWatch, CapacityWatch, DeviceClockWatch, FrozenWatch
from labctl.engine.machines.verify import LateVerifier, OpenCircuitWatch
from labctl.engine.stepping import places_of
from labctl.interfaces.cycler import CurrentRange
from labctl.model.layers import LimitLayer
from labctl.model.program import Program, Step, StepMode
from labctl.model.record import RecordBlock

VERIFY = "Check the step file, range and wiring."


@dataclass(slots=True)
class Digested:
    """A block that the machines have seen and the store has not."""

    block: RecordBlock
    findings: list[Finding]
    closed_half: bool
    backfilled: bool
    trip: bool


class Machinery:
    """Shows rows to every machine. ``decision`` is the first that ends the run, the last values are kept for people."""

    def __init__(
        self,
        program: Program,
        layers: Callable[[bool], tuple[LimitLayer, ...]],
        ranges: Sequence[CurrentRange],
        poll_s: float,
        zone: tzinfo | None,
    ) -> None:
        self.last_V = self.last_A = math.nan
        self.step_id = 0
        self.detector = Detector(program.detections, program.cell)
        self.program: Program
        self.steps: dict[int, Step]
        self.places: dict[int, int]
        self._layers = layers  # as they are now; True: as they were for rows that are shown again
        self._applied: tuple[LimitLayer, ...] = ()
        self._ranges = ranges
        self._frozen = FrozenWatch()
        self._bad = BadWatch(poll_s)
        self._capacity = CapacityWatch()
        self._device_clock = DeviceClockWatch(zone)
        self._rest_jump = RestJumpWatch()
        self._limits: LimitChecker
        self._verifier: LateVerifier
        self._open_circuit: OpenCircuitWatch
        self._use(program)

    def _use(self, program: Program) -> None:
        self.program = program
        self.steps = {step.step_id: step for step in program_steps(program.flow)}
        self.places = places_of(self.steps)
        self._limit(self._layers(True))
        self._verifier = LateVerifier(program, self._ranges)
        self._open_circuit = OpenCircuitWatch(program)

    def _limit(self, layers: tuple[LimitLayer, ...]) -> None:
        self._applied = layers
        self._limits = LimitChecker.of_layers(self.program, layers)

    def look_at_limits(self) -> None:
        """Take the limits as they are now: an override may have run out since the last row; live rows only."""
        layers = self._layers(False)
        if layers != self._applied:
            self._limit(layers)

    def take_over(self, program: Program) -> None:
        """Go on with a changed program from the next row on; what the detections have counted stays."""
        self._use(program)
        self.detector.revise(program.detections)

    @property
    def limits(self) -> LimitChecker:
        """Return what judges the rows."""
        return self._limits

    @property
    def applied(self) -> tuple[LimitLayer, ...]:
        """Return the layers of the station file that the rows are judged by."""
        return self._applied

    @property
    def step(self) -> Step | None:
        """Return the step of the last row, None before the first."""
        return self.steps.get(self.step_id)

    @property
    def step_mode(self) -> StepMode | None:
        """Return what the step of the last row regulates."""
        step = self.step
        return None if step is None else step.mode

    def note_last(self, block: RecordBlock) -> None:
        """Keep the last row's values for people."""
        self.last_V, self.last_A = float(block["voltage_volt"][-1]), float(block["current_ampere"][-1])
        self.step_id = int(block["step_id"][-1])

    def watch_clock(self, block: RecordBlock) -> list[Finding]:
        """Look at the instrument's own clock; live rows only."""
        return self._device_clock.feed(block)

    def feed(self, block: RecordBlock) -> tuple[Digested, EndDecision | None]:
        """Show the next rows to the machines; return what they found and, where one of them ends the run, how."""
        digested = Digested(block, [], False, False, False)
        findings = digested.findings
        findings.extend(self._limits.feed(block))
        findings.extend(self._bad.feed(block))
        findings.extend(self._frozen.feed(block))
        findings.extend(self._capacity.feed(block))
        problems = self._verifier.feed(block)
        for watch in (self._open_circuit, self._rest_jump):
            if problem := watch.feed(block):
                problems.append(problem)
        findings.extend(
            Finding("verify.failed", Priority.HIGH, problem, None, VERIFY) for problem in problems
        )
        found, digested.closed_half = self.detector.feed(block)
        findings.extend(found)
        if self._limits.trip is not None:
            digested.trip = True
            return digested, self._limits.trip
        if problems:
            return digested, EndDecision(Outcome.HELD, f"not what was asked for: {problems[0]}", None)
        return digested, self.detector.decision
