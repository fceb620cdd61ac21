"""Bind single steps: absolute numbers, rounded to what the device can be set to, on the right current range."""

from __future__ import annotations

from dataclasses import replace

from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.program import Limits, RecordRule, Step, StepMode
from labctl.model.protocol import DeviceStep, Direction, Drive, Hold, Quantity, RecordIntent, Rest
from labctl.protocol.limits import intent_limits, looser, tightest, warn_limits
from labctl.protocol.quantities import base_value, format_quantity, readable, readable_time
from labctl.protocol.resolve import Resolver, rounded
from labctl.protocol.sentences import step_sentence

CAPACITY_RESOLUTION_AH = 1e-12
"""Removes float noise only; finer than any device's counter (1e-6 mA s = 2.8e-13 Ah is the step file's last digit)."""
LOW_RANGE_FRACTION = 0.05
"""Below this part of the range its error (0.05 % of full scale) is more than 1 % of the current (cell-models 7)."""
BACKSTOP_SLACK = 1.05
BACKSTOP_MARGIN_S = 60.0
BACKSTOP_HOLD_S = 48 * 3600.0
BACKSTOP_NOMINAL = 3.0
"""A step that ends by voltage gets the time of three nominal capacities ..."""
BACKSTOP_UNKNOWN_S = 7 * 86400.0
"""... and a week where no nominal capacity is known."""


def where(step: DeviceStep) -> str:
    """Return the words that say which step a finding is about."""
    word = "rest" if isinstance(step, Rest) else "hold" if isinstance(step, Hold) else step.direction.value
    line = step.options.place.line
    return f"line {line}, {word}: " if line else f"{word}: "


class StepBinder:
    """Binds steps one after the other; numbers them from 1 and collects findings and warnings."""

    def __init__(
        self, resolver: Resolver, capabilities: CyclerCapabilities, limits: Limits, nominal_Ah: float | None,
        findings: list[str], warnings: list[str],
    ) -> None:  # fmt: skip
        self._resolver = resolver
        self._capabilities = capabilities
        self._limits = limits
        self._nominal_Ah = nominal_Ah
        self._findings = findings
        self._warnings = warnings
        self._next_id = 1
        self._last_current: Quantity | None = None

    def bind(self, step: DeviceStep) -> Step:
        """Return the step in absolute numbers. Findings grow when it cannot run as written."""
        match step:
            case Rest():
                bound = self._made(step, StepMode.REST, None)
            case Drive():
                bound = self._drive(step)
                self._last_current = step.current
            case Hold():
                bound = self._hold(step)
                self._last_current = step.at_most or self._last_current
        if bound.mode not in self._capabilities.modes:
            self._find(
                step,
                f"a {self._capabilities.model} has no mode '{bound.mode.value}'. Use another step or instrument.",
            )
        return bound

    def record(self, record: RecordIntent, place: str) -> RecordRule:
        """Return a record rule in absolute numbers."""
        every_s = None if record.every is None else base_value(record.every)
        least_s = self._capabilities.record_interval_min_s
        if every_s is not None and every_s < least_s:
            self._findings.append(
                f"{place}a record every {every_s:g} s is faster than the device's {least_s:g} s; record less often."
            )
        change, current = record.voltage_change, record.current_change
        return RecordRule(
            every_s,
            None if change is None else base_value(change),
            None if current is None else self._resolver.current_A(current, place),
        )

    def _find(self, step: DeviceStep, text: str) -> None:
        self._findings.append(where(step) + text)

    def _warn(self, step: DeviceStep, text: str) -> None:
        sentence = where(step) + text
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def _drive(self, step: Drive) -> Step:
        charge = step.direction is Direction.CHARGE
        if step.then_hold is None:
            mode = StepMode.CC_CHARGE if charge else StepMode.CC_DISCHARGE
        else:
            mode = StepMode.CCCV_CHARGE if charge else StepMode.CCCV_DISCHARGE
        return self._made(step, mode, step.current)

    def _hold(self, step: Hold) -> Step:
        charge = step.direction is Direction.CHARGE
        current = step.at_most or self._last_current
        if current is None:
            self._find(step, "no largest current is known; add 'at_most: 1 C'.")
        return self._made(step, StepMode.CV_CHARGE if charge else StepMode.CV_DISCHARGE, current)

    def _made(self, step: DeviceStep, mode: StepMode, current: Quantity | None) -> Step:
        place = where(step)
        until = None if isinstance(step, Rest) else step.until
        if until and (until.when or until.temperature_above or until.temperature_below):
            self._find(
                step,
                "this cycler cannot end a step by temperature or by an expression; use 'safety: {temperature: ...}' or "
                "'repeat ... until' around shorter steps.",
            )
        exact_A = None if current is None else self._resolver.current_A(current, place)
        magnitude_A = None if exact_A is None else self._set_current_A(step, current, exact_A)
        voltage = (
            step.voltage if isinstance(step, Hold) else step.then_hold if isinstance(step, Drive) else None
        )
        voltage_V = self._volts(step, voltage)
        limits = self._step_limits(step)
        warn = None
        if step.options.safety is not None:
            above = limits or self._limits
            warn = warn_limits(step.options.safety, above, self._resolver, where(step), self._findings)
        end_current = until.current if until else None
        end_A = None if end_current is None else self._resolver.current_A(end_current, place)
        if end_A is not None:
            end_A = rounded(end_A, self._capabilities.set_resolution_A)
            if magnitude_A is not None and end_A >= magnitude_A:
                self._find(
                    step,
                    f"the end current {readable(end_A, 'A')} is not below the set current "
                    f"{readable(magnitude_A, 'A')}; lower it.",
                )
        end_Ah = self._end_capacity_Ah(
            until.capacity if until else None, current, exact_A, magnitude_A, place
        )
        end_s, backstop = self._end_time_s(step, magnitude_A, end_Ah)
        sign = -1.0 if step_is_discharge(step) else 1.0
        bound = Step(
            step_id=self._next_id,
            mode=mode,
            end_time_s=end_s,
            current_A=None if magnitude_A is None else sign * magnitude_A,
            voltage_V=voltage_V,
            range_A=None if magnitude_A is None else self._range_A(step, magnitude_A),
            time_is_backstop=backstop,
            end_voltage_V=self._volts(step, until.voltage if until else None),
            end_current_A=end_A,
            end_capacity_Ah=end_Ah,
            record=None if step.options.record is None else self.record(step.options.record, place),
            limits=limits,
            warn=warn,
            sentence="",
        )
        self._next_id += 1
        return replace(bound, sentence=step_sentence(step, bound))

    def _set_current_A(self, step: DeviceStep, current: Quantity | None, exact_A: float) -> float:
        set_A = rounded(exact_A, self._capabilities.set_resolution_A)
        largest_A = max((item.full_scale_A for item in self._capabilities.ranges), default=0.0)
        limit_A = self._limits.current_max_A
        said = "" if current is None else f"{format_quantity(current)} = "
        if set_A <= 0:
            self._find(
                step,
                f"{said}{exact_A:.3g} A rounds to nothing (resolution {self._capabilities.set_resolution_A:g} A).",
            )
        elif set_A > largest_A:
            self._find(
                step,
                f"{said}{readable(set_A, 'A')} is more than the largest range, {readable(largest_A, 'A')}. "
                "Use a smaller current or another channel.",
            )
        elif limit_A is not None and set_A > limit_A * (1 + 1e-9):
            self._find(
                step,
                f"{said}{readable(set_A, 'A')} is above the current limit {readable(limit_A, 'A')} in force here.",
            )
        return set_A

    def _volts(self, step: DeviceStep, voltage: Quantity | None) -> float | None:
        if voltage is None:
            return None
        value_V = rounded(base_value(voltage), self._capabilities.set_resolution_V)
        low_V, high_V = self._limits.voltage_min_V, self._limits.voltage_max_V
        if (low_V is not None and value_V < low_V) or (high_V is not None and value_V > high_V):
            self._find(
                step,
                f"{value_V:g} V lies outside the limits in force here, "
                f"{low_V if low_V is not None else '-'} to {high_V if high_V is not None else '-'} V.",
            )
        return value_V

    def _step_limits(self, step: DeviceStep) -> Limits | None:
        if step.options.safety is None:
            return None
        own = intent_limits(step.options.safety, self._resolver, where(step))
        for phrase in looser(own, self._limits):
            self._find(
                step,
                f"{phrase} (tightest of device, channel, cell and protocol); a step may only tighten a limit.",
            )
        merged = tightest([self._limits, own])
        return merged

    def _end_capacity_Ah(
        self,
        capacity: Quantity | None,
        current: Quantity | None,
        exact_A: float | None,
        set_A: float | None,
        place: str,
    ) -> float | None:
        """Return the end capacity, following the rounded current (paper-protocols 6: 3600.0 s stay 3600.0 s)."""
        if capacity is None:
            return None
        if current is None or exact_A is None or set_A is None:
            return self._resolver.capacity_Ah(capacity, place)
        time_s = self._resolver.time_for_s(capacity, current, place)
        return None if time_s is None else rounded(time_s / 3600.0 * set_A, CAPACITY_RESOLUTION_AH)

    def _end_time_s(self, step: DeviceStep, set_A: float | None, end_Ah: float | None) -> tuple[float, bool]:
        """Return the time end and whether it is a back-stop that nobody asked for."""
        asked = step.time if isinstance(step, Rest) else step.until.time
        longest_s = self._capabilities.step_time_max_s
        if asked is not None:
            time_s = rounded(base_value(asked), self._capabilities.time_resolution_s)
            if time_s > longest_s:
                self._find(
                    step,
                    f"{readable_time(time_s)} is longer than the device's {readable_time(longest_s)} per "
                    "step; repeat a shorter step.",
                )
            if time_s <= 0:
                self._find(
                    step,
                    f"{format_quantity(asked)} rounds to nothing (resolution "
                    f"{self._capabilities.time_resolution_s:g} s).",
                )
            return time_s, False
        holds = isinstance(step, Hold) or (isinstance(step, Drive) and step.then_hold is not None)
        extra_s = BACKSTOP_HOLD_S if holds else 0.0
        if end_Ah is not None and set_A and not holds:
            time_s = end_Ah / set_A * 3600.0 * BACKSTOP_SLACK + BACKSTOP_MARGIN_S
        elif isinstance(step, Hold):
            time_s = extra_s
        elif self._nominal_Ah and set_A:
            time_s = BACKSTOP_NOMINAL * self._nominal_Ah / set_A * 3600.0 + BACKSTOP_MARGIN_S + extra_s
        else:
            time_s = BACKSTOP_UNKNOWN_S + extra_s
        time_s = min(float(round(time_s)), longest_s)
        self._warn(
            step, f"no time end is given; a back-stop of {readable_time(time_s)} ends it at the latest."
        )
        return time_s, True

    def _range_A(self, step: DeviceStep, magnitude_A: float) -> float | None:
        if step.options.range_auto:
            return None
        ranges = sorted(self._capabilities.ranges, key=lambda item: item.full_scale_A)
        chosen = self._asked_range(step, ranges) or next(
            (item for item in ranges if item.full_scale_A >= magnitude_A), None
        )
        if chosen is None or magnitude_A <= 0:
            return None  # a finding says so already
        full_A = chosen.full_scale_A
        if magnitude_A > full_A:
            self._find(
                step,
                f"{readable(magnitude_A, 'A')} does not fit into the range {readable(full_A, 'A')} that "
                "the step asks for.",
            )
        elif magnitude_A < LOW_RANGE_FRACTION * full_A:
            error = chosen.accuracy_of_full_scale * full_A / magnitude_A
            self._warn(
                step,
                f"{readable(magnitude_A, 'A')} is {magnitude_A / full_A * 100:.2g} % of the "
                f"{readable(full_A, 'A')} range, whose error is "
                f"up to {error * 100:.2g} % of it; efficiencies need a channel with a smaller range.",
            )
        return full_A

    def _asked_range(self, step: DeviceStep, ranges: list[CurrentRange]) -> CurrentRange | None:
        asked = step.options.range
        if asked is None:
            return None
        asked_A = base_value(asked)
        found = next((item for item in ranges if abs(item.full_scale_A - asked_A) < 1e-6 * asked_A), None)
        if found is None:
            known = ", ".join(readable(item.full_scale_A, "A") for item in ranges)
            self._find(
                step, f"a {self._capabilities.model} has no range {format_quantity(asked)}; it has {known}."
            )
        return found


def step_is_discharge(step: DeviceStep) -> bool:
    """Return whether the step takes charge out of the cell."""
    return not isinstance(step, Rest) and step.direction is Direction.DISCHARGE
