"""Impedance inside a protocol: from intent to a technique in SI units, how long it takes, how it is said.

The station's potentiostats are told as facts; what only an open instrument knows (its current ranges, the potential of
this cell) is judged by its driver, before the cell is switched on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from labctl.model.handover import PotentiostatFacts, Via
from labctl.model.ids import ChannelId
from labctl.model.program import Spectroscopy
from labctl.model.protocol import Impedance, QuantityKind
from labctl.model.technique import FrequencySweep, Geis, Peis
from labctl.protocol.quantities import base_value, format_quantity, readable

SETTLE_S = 10.0
"""Held before the first point unless the protocol says otherwise (potentiostat.md 4.2)."""


def bind_impedance(
    node: Impedance,
    where: str,
    channel: ChannelId,
    potentiostats: Sequence[PotentiostatFacts],
    findings: list[str],
) -> Spectroscopy | None:
    """Return the spectrum of a cell on ``channel``, None where findings stand against it. Its index is 0 as yet."""
    found = _potentiostat(node, where, channel, potentiostats, findings)
    if found is None:
        return None
    if node.via == Via.MULTIPLEXER and channel not in found.switched:
        findings.append(
            f"{where}'via: multiplexer', but no multiplexer moves {channel} to {found.name}: write 'via: operator', or "
            "name the channel under 'places' of a switch in the station file."
        )
        return None
    sweep = _sweep(node, where, found, findings)
    if sweep is None:
        return None
    amplitude = base_value(node.amplitude) / (math.sqrt(2.0) if node.peak else 1.0)
    settle_s = SETTLE_S if node.settle is None else base_value(node.settle)
    technique: Peis | Geis = Geis(sweep, amplitude, settle_s=settle_s)
    if node.amplitude.kind is QuantityKind.VOLTAGE:
        technique = Peis(sweep, amplitude, settle_s=settle_s)
    via = node.via or found.via(channel).value
    return Spectroscopy(0, technique, found.name, via, impedance_sentence(node))


def _potentiostat(
    node: Impedance,
    where: str,
    channel: ChannelId,
    potentiostats: Sequence[PotentiostatFacts],
    findings: list[str],
) -> PotentiostatFacts | None:
    """Return the potentiostat that is meant, or the first that takes the channel."""
    takers = [facts for facts in potentiostats if facts.takes(channel)]
    found = next((facts for facts in takers if node.on in ("", facts.name)), None)
    if found is not None:
        return found
    if not takers:
        findings.append(
            f"{where}'eis' needs a potentiostat, and this station has none for {channel}: name one under "
            "'potentiostats' in the station file, or remove the step to run the rest."
        )
    else:
        known = ", ".join(facts.name for facts in takers)
        findings.append(
            f"{where}there is no potentiostat '{node.on}' for {channel}: choose one of {known}, or leave 'on' out."
        )
    return None


def _sweep(
    node: Impedance, where: str, facts: PotentiostatFacts, findings: list[str]
) -> FrequencySweep | None:
    start_Hz, end_Hz = base_value(node.start), base_value(node.end)
    outside = [
        format_quantity(value)
        for value, value_Hz in ((node.start, start_Hz), (node.end, end_Hz))
        if not facts.eis_min_Hz * (1.0 - 1e-9) <= value_Hz <= facts.eis_max_Hz * (1.0 + 1e-9)
    ]
    if outside:
        findings.append(
            f"{where}{facts.name} measures from {facts.eis_min_Hz:g} Hz to {facts.eis_max_Hz:g} Hz: "
            f"{' and '.join(outside)} cannot be reached."
        )
    if not (start_Hz > 0.0 and end_Hz > 0.0):
        findings.append(f"{where}a frequency of a sweep must be above 0 Hz.")
        return None
    return FrequencySweep(start_Hz, end_Hz, node.points_per_decade)


def spectrum_s(technique: Peis | Geis) -> float:
    """Return how long a spectrum takes, seconds: the law of a VersaSTAT, the slowest that is known.

    0.33 s a point from 100 Hz, 0.29 s + 3.5 periods from 1 Hz, 7.8 periods below. Source: potentiostat.md 3.2.
    """
    total_s = technique.settle_s
    for frequency_Hz in technique.sweep.frequencies_Hz():
        if frequency_Hz >= 100.0:
            total_s += 0.33
        elif frequency_Hz >= 1.0:
            total_s += 0.29 + 3.5 / frequency_Hz
        else:
            total_s += 7.8 / frequency_Hz
    return float(total_s)


def impedance_sentence(node: Impedance) -> str:
    """Return what is measured, by which potentiostat where the protocol names one, and who moves the leads."""
    kind = "peak" if node.peak else "rms"
    text = (
        f"Impedance from {format_quantity(node.start)} to {format_quantity(node.end)}, {node.points_per_decade} points "
        f"per decade, {format_quantity(node.amplitude)} {kind}"
    )
    text += f", on {node.on}" if node.on else ""
    text += f", via {node.via}" if node.via else ""
    text += f", settled for {format_quantity(node.settle)}" if node.settle is not None else ""
    return text + "."


def technique_sentence(technique: Peis | Geis) -> str:
    """Return what is measured, of a technique that stands in no protocol."""
    kind, sweep = "Impedance", technique.sweep
    if isinstance(technique, Peis):
        amplitude = readable(technique.amplitude_rms_V, "V")
    else:
        kind, amplitude = "Galvanostatic impedance", readable(technique.amplitude_rms_A, "A")
    return (
        f"{kind} from {sweep.f_start_Hz:g} Hz to {sweep.f_end_Hz:g} Hz, "
        f"{sweep.points_per_decade} points per decade, {amplitude} rms."
    )
