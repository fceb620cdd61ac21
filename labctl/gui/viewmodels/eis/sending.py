"""A spectrum out of turn: what a person wishes, checked before it is sent (U08)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from labctl.gui.viewmodels.acts import Act, Acts
from labctl.gui.viewmodels.allowed import channel_why_not, label_of, potentiostats_for
from labctl.gui.viewmodels.eis.words import frequency
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.parsing import parse_quantity
from labctl.gui.viewmodels.words import tr

SEND = "runs.take_spectrum"
USUAL_MAX_HZ, USUAL_MIN_HZ = 1e6, 0.1
PER_DECADE_MAX = 50
AMPLITUDE_MAX_V = 0.1
"""A larger one is no small signal any more: the answer would not be linear."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What the fields hold, as it was typed."""

    potentiostat: str
    f_start: str
    f_end: str
    per_decade: str
    amplitude: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A sweep that may be asked for; amplitude rms. ``problem`` says why it may not, ``field`` where."""

    f_start_Hz: float = math.nan
    f_end_Hz: float = math.nan
    per_decade: int = 0
    amplitude_V: float = math.nan
    problem: str = ""
    field: str = ""

    @property
    def points(self) -> int:
        """Return how many points the sweep has; 0 where it has a problem."""
        if self.problem:
            return 0
        return round(abs(math.log10(self.f_start_Hz / self.f_end_Hz)) * self.per_decade) + 1


class SendToEis:
    """One request for the run of a channel."""

    def __init__(self, lab: Lab, acts: Acts, channel: str) -> None:
        self._lab, self._acts, self.channel = lab, acts, channel
        self.run_id = lab.channels[channel].run_id
        status = lab.channels[channel]
        self.label = f"{label_of(lab, channel)} {status.cell_name or status.cell_id}"
        self.potentiostats = potentiostats_for(lab, channel)

    def usual(self) -> Typed:
        """Return what the fields begin with: the usual sweep, within what the first potentiostat can reach."""
        name = self.potentiostats[0] if self.potentiostats else ""
        low_Hz, high_Hz = self._reach(name)
        f_max_Hz = min(USUAL_MAX_HZ, high_Hz) if math.isfinite(high_Hz) else USUAL_MAX_HZ
        f_min_Hz = max(USUAL_MIN_HZ, low_Hz) if math.isfinite(low_Hz) else USUAL_MIN_HZ
        return Typed(name, frequency(f_max_Hz), frequency(f_min_Hz), "10", "10 mV")

    def _reach(self, name: str) -> tuple[float, float]:
        found = self._lab.potentiostats.get(name)
        return (math.nan, math.nan) if found is None else (found.eis_min_Hz, found.eis_max_Hz)

    def wish(self, typed: Typed) -> Wish:
        """Return what is wished for, or the first problem with its field."""
        values: dict[str, float] = {}
        fields = (
            ("f_start", typed.f_start, "Hz"), ("f_end", typed.f_end, "Hz"), ("per_decade", typed.per_decade, ""),
            ("amplitude", typed.amplitude, "V"),
        )  # fmt: skip
        for field, text, unit in fields:
            read = parse_quantity(text, unit)
            told = read.problem or ("" if read.question is None else read.question.text)
            if read.value is None:
                return Wish(problem=told or tr("eis", "A value is missing."), field=field)
            if not (math.isfinite(read.value) and read.value > 0.0):
                return Wish(problem=tr("eis", "It must be above 0."), field=field)
            values[field] = read.value
        return self._checked(typed.potentiostat, values)

    def _checked(self, name: str, values: dict[str, float]) -> Wish:
        low_Hz, high_Hz = self._reach(name)
        reach = tr("eis", "{name} reaches from {low} to {high}.").format(
            name=name, low=frequency(low_Hz), high=frequency(high_Hz)
        )
        for field in ("f_start", "f_end"):
            if (
                values[field] > high_Hz * 1.001 or values[field] < low_Hz * 0.999
            ):  # NaN: nobody knows, the station does
                return Wish(problem=reach, field=field)
        if values["f_start"] <= values["f_end"]:
            return Wish(
                problem=tr("eis", "A sweep goes from the high frequency to the low one."), field="f_end"
            )
        per_decade = values["per_decade"]
        if per_decade != round(per_decade) or not 1 <= per_decade <= PER_DECADE_MAX:
            told = tr("eis", "Points per decade are a whole number up to {n}.").format(n=PER_DECADE_MAX)
            return Wish(problem=told, field="per_decade")
        if values["amplitude"] > AMPLITUDE_MAX_V:
            told = tr(
                "eis",
                "More than 100 mV rms is no small signal: the answer would not be the cell's impedance.",
            )
            return Wish(problem=told, field="amplitude")
        return Wish(values["f_start"], values["f_end"], int(per_decade), values["amplitude"])

    def why_not(self) -> str:
        """Return why nothing can be sent now, empty where it can."""
        status = self._lab.channels.get(self.channel)
        if status is None or status.run_id != self.run_id:
            return tr("eis", "Another run is in the channel now: look again.")
        return channel_why_not(self._lab, SEND, self.channel)

    def send(self, typed: Typed, reason: str) -> Act | None:
        """Send the wish; None where it may not be."""
        wish = self.wish(typed)
        if wish.problem or self.why_not():
            return None
        return self._acts.send(
            SEND, self.channel, self.run_id, wish.f_start_Hz, wish.f_end_Hz, points_per_decade=wish.per_decade,
            amplitude_rms_V=wish.amplitude_V, on=typed.potentiostat, reason=reason, text=tr("eis", "Send to EIS"),
        )  # fmt: skip
