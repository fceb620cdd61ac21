"""Decides about temperature: soak before the start, excursions while a run is on, agreement between cells.

Told plant time and readings; never talks to a chamber. Rules 1, 2, 3 and 6 of the temperature-chamber
specification.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum

from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality
from labctl.model.program import TemperatureDemand

TRIP_READINGS = 2
"""Consecutive readings beyond the trip band, as for rows (safety-and-faults section 4)."""
BAD_POLLS = 3.0
BAD_MIN_S = 10.0
ROOM_MIN_DEGC = 18.0
ROOM_MAX_DEGC = 28.0
"""What a channel without a chamber can be asked for."""
SETPOINT_TOLERANCE_K = 0.05
"""A read-back set point this close to the wanted one is the wanted one (float32 and the controller's own
display).
"""


class Soak(StrEnum):
    """Whether a run may start."""

    WAITING = "waiting"
    READY = "ready"
    GAVE_UP = "gave up"


class SoakWatch:
    """Rule 1: within the tolerance for the soak time without a break, or give up."""

    __slots__ = ("_begin_s", "_demand", "_inside_s")

    def __init__(self, demand: TemperatureDemand, now_s: float) -> None:
        self._demand = demand
        self._begin_s = now_s
        self._inside_s: float | None = None

    def feed(self, now_s: float, reading: ChamberReading) -> Soak:
        """Take a reading. A BAD one or an alarm breaks the soak."""
        demand = self._demand
        inside = (
            reading.quality is Quality.GOOD
            and reading.state is ChamberState.ON
            and abs(reading.temperature_degC - demand.setpoint_degC) <= demand.tolerance_K
        )
        if not inside:
            self._inside_s = None
        elif self._inside_s is None:
            self._inside_s = now_s
        if self._inside_s is not None and now_s - self._inside_s >= demand.soak_s - 1e-6:
            return Soak.READY
        return Soak.GAVE_UP if now_s - self._begin_s >= demand.give_up_s - 1e-6 else Soak.WAITING

    def remaining_s(self, now_s: float) -> float:
        """Return the shortest time until the run may start."""
        return self._demand.soak_s - (0.0 if self._inside_s is None else now_s - self._inside_s)


class ExcursionWatch:
    """Rules 2, 4 and 6 while a run is on: warn, trip, alarm state, a set point changed by someone else.

    A run without a ``demand`` only stands there: the chamber's alarm and the run's own limit still trip it.
    """

    def __init__(
        self, demand: TemperatureDemand | None, poll_s: float, limit_max_degC: float | None = None
    ) -> None:
        self._demand = demand
        self._bad_bound_s = max(BAD_POLLS * poll_s, BAD_MIN_S)
        self._limit_max_degC = math.inf if limit_max_degC is None else limit_max_degC
        self._outside_s: float | None = None
        self._bad_s: float | None = None
        self._beyond = 0
        self._alarmed: set[str] = set()
        self.trip: EndDecision | None = None

    def feed(self, now_s: float, reading: ChamberReading) -> list[Finding]:
        """Take a reading; return findings and set ``trip`` when the channels in the chamber must stop."""
        findings: list[Finding] = []
        self._controller(reading, findings)
        if reading.quality is not Quality.GOOD or not math.isfinite(reading.temperature_degC):
            self._bad_s = now_s if self._bad_s is None else self._bad_s
            needed = self._demand is not None or math.isfinite(self._limit_max_degC)
            if needed and now_s - self._bad_s >= self._bad_bound_s:
                text = f"no good temperature for {now_s - self._bad_s:.0f} s: {reading.detail or 'BAD'}"
                self._once("bad", Priority.HIGH, text, findings, "Check the chamber's sensor.")
            return findings
        self._bad_s = None
        self._alarmed.discard("bad")
        self._temperature(now_s, reading.temperature_degC, findings)
        return findings

    def _controller(self, reading: ChamberReading, findings: list[Finding]) -> None:
        if reading.state is ChamberState.ALARM:
            text = f"the chamber is in alarm {reading.alarm}: {reading.alarm_text or 'see its display'}"
            self._trip(text, findings)
            return
        if self._demand is None:
            return
        if reading.state is ChamberState.OFF:
            self._once(
                "off", Priority.HIGH, "the chamber is off", findings, "Switch it on, or stop the runs in it."
            )
        else:
            self._alarmed.discard("off")
        wanted = self._demand.setpoint_degC
        if (
            math.isfinite(reading.setpoint_degC)
            and abs(reading.setpoint_degC - wanted) > SETPOINT_TOLERANCE_K
        ):
            text = f"the chamber's set point is {reading.setpoint_degC:.1f} degC, the run wants {wanted:.1f} degC"
            self._once(
                "setpoint", Priority.HIGH, text, findings, "Set it back at its panel; labctl does not."
            )
        else:
            self._alarmed.discard("setpoint")

    def _temperature(self, now_s: float, temperature_degC: float, findings: list[Finding]) -> None:
        demand = self._demand
        beyond = temperature_degC > self._limit_max_degC
        text = (
            f"the chamber is at {temperature_degC:.1f} degC, the run allows {self._limit_max_degC:.1f} degC"
        )
        away_K = 0.0
        if demand is not None:
            away_K = abs(temperature_degC - demand.setpoint_degC)
            text = f"the chamber is at {temperature_degC:.1f} degC, the run wants {demand.setpoint_degC:.1f} degC"
            beyond = beyond or away_K > demand.trip_K
        self._beyond = self._beyond + 1 if beyond else 0
        if self._beyond >= TRIP_READINGS:
            self._trip(text, findings)
        if demand is None:
            return
        if away_K <= demand.warn_K:
            if "warn" in self._alarmed:
                findings.append(
                    Finding("chamber.warn.clear", Priority.EVENT, "the chamber is back at its set point")
                )
            self._outside_s = None
            self._alarmed.discard("warn")
            return
        self._outside_s = now_s if self._outside_s is None else self._outside_s
        if now_s - self._outside_s >= demand.warn_s - 1e-6:
            self._once("warn", Priority.MEDIUM, text, findings, "Look at the door and at the chamber.")

    def _once(
        self, kind: str, priority: Priority, text: str, findings: list[Finding], what_to_do: str
    ) -> None:
        if kind not in self._alarmed:
            self._alarmed.add(kind)
            findings.append(Finding(f"chamber.{kind}", priority, text, None, what_to_do))

    def _trip(self, text: str, findings: list[Finding]) -> None:
        if self.trip is None:
            self.trip = EndDecision(Outcome.TRIPPED, text, None)
            findings.append(
                Finding("chamber.trip", Priority.CRITICAL, text, None, "The channels in it were stopped.")
            )


def may_set(wanted_degC: float, in_use_degC: Iterable[tuple[str, float]]) -> str:
    """Say why a chamber may not go to a temperature (rule 3), or return an empty text.

    ``in_use_degC`` names the cells whose runs need the chamber now, with their temperatures.
    """
    for cell, setpoint_degC in in_use_degC:
        if abs(setpoint_degC - wanted_degC) > SETPOINT_TOLERANCE_K:
            return f"the chamber is at {setpoint_degC:g} degC for {cell}"
    return ""


def room_serves(demand: TemperatureDemand) -> bool:
    """Tell whether a channel without a chamber can serve a demand."""
    return ROOM_MIN_DEGC <= demand.setpoint_degC <= ROOM_MAX_DEGC
