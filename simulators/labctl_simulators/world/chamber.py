"""Temperature chamber physics in closed form: no step size, any moment can be asked for.

Air follows the ramped set point with a first-order lag; off, dead heater or alarm let it drift to the room;
an open door too, faster. A **regime** is a stretch of time with one law; acts (set, off, door, fault) and
alarms start new ones.

Source: temperature-chamber.md section 4; guard, door alarm: section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from labctl.errors import UserInputError
from labctl_simulators.world.noise import record_noise, stream_key

LAG_s = 180.0
OFF_s = 3600.0
DOOR_s = 1200.0
ROOM_degC = 23.0
GUARD_K = 15.0
GUARD_ABSOLUTE_degC = 155.0
DOOR_ALARM_s = 600.0
NOISE_K = 0.05
OFFSET_SIGMA_K = 0.2
SETPOINT_MIN_degC, SETPOINT_MAX_degC, SETPOINT_START_degC = -40.0, 150.0, 25.0
RAMP_MIN_K_per_min, RAMP_MAX_K_per_min, RAMP_START_K_per_min = 0.1, 10.0, 2.0
STEADY_K = 0.05
_GUARD_SEARCH_s = 7200


class ChamberState(IntEnum):
    """State word of the controller."""

    OFF = 0
    ON = 1
    ALARM = 2


class ChamberAlarm(IntEnum):
    """Alarm code of the controller."""

    NONE = 0
    OVER_TEMPERATURE = 1
    SENSOR = 2
    DOOR = 3


class ChamberFault(StrEnum):
    """Faults of the chamber itself; those of its wire are in ``labctl_simulators.chamber.faults``."""

    DOOR_OPEN = "door_open"
    HEATER_DEAD = "heater_dead"
    SENSOR_NAN = "sensor_nan"
    SENSOR_STUCK = "sensor_stuck"
    OFFSET = "offset"
    OVERSHOOT = "overshoot"
    PANEL_SETPOINT = "panel_setpoint"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class _Regime:
    """Air and followed set point from ``start_s`` on: target T* and time constant, or a ramp to follow."""

    start_s: float
    air_degC: float
    followed_degC: float
    target_degC: float
    ramp_K_per_s: float
    powered: bool
    lag_s: float
    overshoot_K: float

    def followed_at(self, time_s: float) -> float:
        """Return the set point as the controller follows it."""
        way_K = self.target_degC - self.followed_degC
        gone_K = self.ramp_K_per_s * max(time_s - self.start_s, 0.0)
        if not self.powered or gone_K >= abs(way_K):
            return self.target_degC if self.powered else self.followed_degC
        return self.followed_degC + math.copysign(gone_K, way_K)

    def air_at(self, time_s: float) -> float:
        """Return the temperature of the air."""
        passed_s = max(time_s - self.start_s, 0.0)
        if not self.powered or self.lag_s != LAG_s:
            return ROOM_degC + (self.air_degC - ROOM_degC) * math.exp(-passed_s / self.lag_s)
        way_K = self.target_degC - self.followed_degC
        ramp_s = abs(way_K) / self.ramp_K_per_s
        slope_K_per_s = math.copysign(self.ramp_K_per_s, way_K)
        ramping_s = min(passed_s, ramp_s)
        goal_degC = _warmer_degC(self.followed_degC, self.overshoot_K)
        air_degC = goal_degC + slope_K_per_s * (ramping_s - LAG_s)
        air_degC += (self.air_degC - goal_degC + slope_K_per_s * LAG_s) * math.exp(-ramping_s / LAG_s)
        if passed_s <= ramp_s:
            return air_degC
        final_degC = _warmer_degC(self.target_degC, self.overshoot_K)
        return final_degC + (air_degC - final_degC) * math.exp(-(passed_s - ramp_s) / LAG_s)


class Chamber:
    """One chamber. Acts happen at the time it has been advanced to; ``profile`` ``ideal`` has no noise or
    offset.
    """

    def __init__(
        self,
        name: str,
        *,
        seed: int = 0,
        profile: str = "calibrated",
        air_degC: float = ROOM_degC,
        setpoint_degC: float = SETPOINT_START_degC,
        on: bool = False,
    ) -> None:
        self.name = name
        self.now_s = 0.0
        self.setpoint_degC = setpoint_degC
        self.ramp_K_per_min = RAMP_START_K_per_min
        self.on = on
        self.alarm = ChamberAlarm.NONE
        self._ideal = profile == "ideal"
        self._key = stream_key(seed, "chamber", name)
        normals = record_noise(stream_key(seed, "chamber offset", name), 0, 1)
        self.offset_K = 0.0 if self._ideal else OFFSET_SIGMA_K * float(normals[0, 0])
        self._faults: dict[ChamberFault, float] = {}
        self._door_since_s: float | None = None
        self._alarm_due: tuple[float, ChamberAlarm] | None = None
        self._regime = _Regime(0.0, air_degC, air_degC, setpoint_degC, 1.0, False, OFF_s, 0.0)
        self._renew(followed_degC=air_degC)

    # -- time ----------------------------------------------------------------------------------------------

    def advance_to(self, time_s: float) -> None:
        """Move to a later plant time; alarms that fall due on the way take effect at their own moment."""
        while self._alarm_due is not None and self._alarm_due[0] <= time_s:
            self.now_s, alarm = self._alarm_due
            self._trip(alarm)
        self.now_s = max(self.now_s, time_s)

    def temperature_degC(self, time_s: float | None = None) -> float:
        """Return the true temperature of the air now, or at a later moment if nobody acts before."""
        return self._regime.air_at(self.now_s if time_s is None else time_s)

    @property
    def followed_degC(self) -> float:
        """Return the set point as the controller follows it now."""
        return self._regime.followed_at(self.now_s)

    @property
    def state(self) -> ChamberState:
        """Return the controller's state word."""
        if self.alarm is not ChamberAlarm.NONE:
            return ChamberState.ALARM
        return ChamberState.ON if self.on else ChamberState.OFF

    @property
    def reading_degC(self) -> float:
        """Return what the sensor shows now: offset and noise of this 0.1 s; NaN when it has failed."""
        if ChamberFault.SENSOR_NAN in self._faults:
            return math.nan
        if ChamberFault.SENSOR_STUCK in self._faults:
            return self._faults[ChamberFault.SENSOR_STUCK]
        fault_K = self._faults.get(ChamberFault.OFFSET, 0.0)
        reading_degC = _warmer_degC(self.temperature_degC(), self.offset_K, fault_K)
        if self._ideal:
            return reading_degC
        return reading_degC + NOISE_K * float(record_noise(self._key, round(self.now_s * 10.0), 1)[0, 0])

    @property
    def steady(self) -> bool:
        """Tell whether the air stands within 0.05 K of where it will end, so that cells need no renewal."""
        regime = self._regime
        if not regime.powered or regime.lag_s != LAG_s:
            final_degC = ROOM_degC
        else:
            final_degC = _warmer_degC(regime.target_degC, regime.overshoot_K)
        return abs(self.temperature_degC() - final_degC) <= STEADY_K and (
            not regime.powered or abs(self.followed_degC - regime.target_degC) <= STEADY_K
        )

    # -- acts ----------------------------------------------------------------------------------------------

    def set_point(self, temperature_degC: float) -> None:
        """Set the wanted temperature; the followed one ramps there."""
        followed_degC = self.followed_degC
        self.setpoint_degC = temperature_degC
        self._renew(followed_degC=followed_degC)

    def set_ramp(self, ramp_K_per_min: float) -> None:
        """Set the ramp; it holds at once."""
        followed_degC = self.followed_degC
        self.ramp_K_per_min = ramp_K_per_min
        self._renew(followed_degC=followed_degC)

    def switch(self, on: bool) -> None:
        """Switch on (the ramp starts at the air's temperature) or off; off acknowledges an alarm that is
        over.
        """
        if not on and self.alarm is not ChamberAlarm.NONE and not self._cause_stands():
            self.alarm = ChamberAlarm.NONE
        was_on, self.on = self.on, on
        self._renew(followed_degC=self.temperature_degC() if on and not was_on else self.followed_degC)

    def door(self, is_open: bool) -> None:
        """Open or close the door."""
        if is_open and self._door_since_s is None:
            self._door_since_s = self.now_s
        elif not is_open:
            self._door_since_s = None
        self._renew(followed_degC=self.followed_degC)

    def fault(self, kind: ChamberFault | str, value: float | None = None) -> None:
        """Begin a fault. ``value``: K for offset and overshoot, degC for panel_setpoint, a code for alarm."""
        kind = _fault_kind(kind)
        followed_degC = self.followed_degC
        if kind is ChamberFault.DOOR_OPEN:
            self.door(True)
            return
        if kind is ChamberFault.PANEL_SETPOINT:
            self.set_point(SETPOINT_START_degC if value is None else value)
            return
        if kind is ChamberFault.ALARM:
            self._trip(ChamberAlarm(1 if value is None else int(value)))
            self._faults[kind] = float(self.alarm)
            return
        if kind is ChamberFault.SENSOR_STUCK:
            value = self.reading_degC if value is None else value
        default = {ChamberFault.OFFSET: 3.0, ChamberFault.OVERSHOOT: 5.0}.get(kind, 1.0)
        self._faults[kind] = default if value is None else float(value)
        self._renew(followed_degC=followed_degC)

    def clear_fault(self, kind: ChamberFault | str) -> None:
        """End a fault; a panel set point stays, an alarm stays until it is acknowledged by switching off."""
        kind = _fault_kind(kind)
        followed_degC = self.followed_degC
        if kind is ChamberFault.DOOR_OPEN:
            self.door(False)
            return
        self._faults.pop(kind, None)
        self._renew(followed_degC=followed_degC)

    def restart(self) -> None:
        """Come back after a power cut: off, start values, no alarm; the air has not noticed."""
        self.alarm, self.on = ChamberAlarm.NONE, False
        self.setpoint_degC = SETPOINT_START_degC
        self.ramp_K_per_min = RAMP_START_K_per_min
        self._renew(followed_degC=SETPOINT_START_degC)

    # -- inside --------------------------------------------------------------------------------------------

    def _cause_stands(self) -> bool:
        if ChamberFault.ALARM in self._faults:
            return True
        if self.alarm is ChamberAlarm.DOOR:
            return self._door_since_s is not None
        if self.alarm is ChamberAlarm.SENSOR:
            return ChamberFault.SENSOR_NAN in self._faults
        return self.temperature_degC() > min(self.setpoint_degC + GUARD_K, GUARD_ABSOLUTE_degC)

    def _trip(self, alarm: ChamberAlarm) -> None:
        followed_degC = self.followed_degC
        self.alarm = alarm
        self._renew(followed_degC=followed_degC)

    def _renew(self, *, followed_degC: float) -> None:
        """Start a regime now, from the present air."""
        air_degC = self._regime.air_at(self.now_s)
        powered = self.on and self.alarm is ChamberAlarm.NONE
        heated = powered and ChamberFault.HEATER_DEAD not in self._faults
        lag_s = DOOR_s if self._door_since_s is not None else (LAG_s if heated else OFF_s)
        self._regime = _Regime(
            start_s=self.now_s,
            air_degC=air_degC,
            followed_degC=followed_degC,
            target_degC=self.setpoint_degC,
            ramp_K_per_s=self.ramp_K_per_min / 60.0,
            powered=powered,
            lag_s=lag_s,
            overshoot_K=self._faults.get(ChamberFault.OVERSHOOT, 0.0),
        )
        self._alarm_due = self._next_alarm()

    def _next_alarm(self) -> tuple[float, ChamberAlarm] | None:
        if self.alarm is not ChamberAlarm.NONE:
            return None
        due: list[tuple[float, ChamberAlarm]] = []
        if self._door_since_s is not None:
            due.append((self._door_since_s + DOOR_ALARM_s, ChamberAlarm.DOOR))
        guard_s = self._guard_trip_s()
        if guard_s is not None:
            due.append((guard_s, ChamberAlarm.OVER_TEMPERATURE))
        return min(due) if due else None

    def _guard_trip_s(self) -> float | None:
        """Return when rising air passes the guard; only an overshooting controller can bring it there."""
        regime = self._regime
        if not regime.powered or regime.overshoot_K <= 0.0 or regime.lag_s != LAG_s:
            return None
        before_degC = regime.air_degC
        for passed_s in np.arange(1, _GUARD_SEARCH_s + 1):
            time_s = regime.start_s + float(passed_s)
            air_degC = regime.air_at(time_s)
            guard_degC = min(regime.followed_at(time_s) + GUARD_K, GUARD_ABSOLUTE_degC)
            if air_degC > guard_degC and air_degC > before_degC:
                return time_s
            before_degC = air_degC
        return None


def _warmer_degC(temperature_degC: float, *differences_K: float) -> float:
    return temperature_degC + sum(differences_K)


def _fault_kind(kind: ChamberFault | str) -> ChamberFault:
    try:
        return ChamberFault(kind)
    except ValueError:
        known = ", ".join(member.value for member in ChamberFault)
        raise UserInputError(f"A chamber has no fault {kind!r}; known are {known}.") from None
