"""Where a circuit fit begins: values read off the spectrum itself, so that nobody has to guess them.

A non-negative least squares of the spectrum on a dictionary of ready-made answers (resistor, inductor, capacitor,
semi-infinite diffusion, and semicircles of exponent 0.85 with five time constants per decade) needs no start and picks
few of them. Neighbouring semicircles are then united, the closest pair first, until there are as many as the circuit
has resistors in parallel to something; a circuit with more of them gets its largest one divided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from labctl.analysis.eis.circuit import Circuit, Element, Parallel
from labctl.analysis.eis.elements import Kind, Window
from labctl.analysis.eis.nonnegative import nonnegative
from labctl.model.spectrum import ComplexArray, FloatArray

EXPONENT = 0.85
"""Of the semicircles in the dictionary, and the first guess of every constant phase."""
TAUS_PER_DECADE = 5
RIDGE = 1e-6
"""Of columns of length 1: far below any noise, enough to tell neighbours apart."""
SMALL = 0.01
"""An element that the dictionary did not need begins at this fraction of the impedance it would have to change."""

Semicircle = tuple[float, float]
"""(tau / s, R / ohm)."""


class Read:
    """What the dictionary makes of a spectrum: amplitudes in ohm, H, 1/F and ohm s^-1/2, and semicircles by tau."""

    def __init__(self, frequency_Hz: FloatArray, z_ohm: ComplexArray) -> None:
        self.window = window = Window.of(frequency_Hz, z_ohm)
        s = 2j * math.pi * frequency_Hz
        decades = math.log10(window.omega_max_rad_per_s / window.omega_min_rad_per_s)
        taus_s = np.geomspace(
            1.0 / window.omega_max_rad_per_s,
            1.0 / window.omega_min_rad_per_s,
            max(round(TAUS_PER_DECADE * decades) + 1, 2),
        )
        plain = np.stack((np.ones_like(s), s, 1.0 / s, np.sqrt(1.0 / s)), axis=1)
        arcs = 1.0 / (1.0 + (s[:, None] * taus_s) ** EXPONENT)
        answers = np.hstack((plain, arcs)) / np.abs(z_ohm)[:, None]
        scales = np.linalg.norm(answers, axis=0)
        relative = z_ohm / np.abs(z_ohm)
        rows = np.vstack((answers.real, answers.imag)) / scales
        found = nonnegative(rows, np.concatenate((relative.real, relative.imag)), RIDGE)
        amplitudes = found / scales
        self.R_ohm, self.L_H, self.elastance_per_F, self.diffusion = (float(one) for one in amplitudes[:4])
        self.semicircles: list[Semicircle] = [
            (float(tau_s), float(R_ohm))
            for tau_s, R_ohm in zip(taus_s, amplitudes[4:], strict=True)
            if R_ohm > 0.0
        ]

    def united(self, count: int) -> list[Semicircle]:
        """Return so many semicircles, the fastest first."""
        left = list(self.semicircles) or [self._faint()]
        while len(left) > count:
            place = int(np.argmin([_distance(one, other) for one, other in pairwise(left)]))
            left[place : place + 2] = [_together(left[place], left[place + 1])]
        while len(left) < count:
            place = int(np.argmax([R_ohm for _, R_ohm in left]))
            tau_s, R_ohm = left[place]
            left[place : place + 1] = [(tau_s / 2.0, 0.7 * R_ohm), (tau_s * 5.0, 0.3 * R_ohm)]
            left.sort()
        return left

    def groupings(self, count: int) -> list[list[Semicircle]]:
        """Return the ways to have so many: united, and united to one more without the smallest.

        The second one is for a spectrum whose diffusion passes for a small slow semicircle.
        """
        ways = [self.united(count)]
        if len(self.semicircles) > count:
            more = self.united(count + 1)
            more.remove(min(more, key=lambda one: one[1]))
            ways.append(more)
        return ways

    def _faint(self) -> Semicircle:
        window = self.window
        middle_s = 1.0 / math.sqrt(window.omega_min_rad_per_s * window.omega_max_rad_per_s)
        return middle_s, SMALL * window.z_max_ohm


def _distance(one: Semicircle, other: Semicircle) -> float:
    """Return what uniting two would move."""
    return one[1] * other[1] / (one[1] + other[1]) * math.log(other[0] / one[0]) ** 2


def _together(one: Semicircle, other: Semicircle) -> Semicircle:
    """Unite two: resistances add, the logarithms of the time constants are weighted by them."""
    R_ohm = one[1] + other[1]
    return math.exp((one[1] * math.log(one[0]) + other[1] * math.log(other[0])) / R_ohm), R_ohm


def guesses(circuit: Circuit, frequency_Hz: FloatArray, z_ohm: ComplexArray) -> list[FloatArray]:
    """Return one or two starts for all parameters, within their limits. Shapes: (n,), (n,) to (parameters,) each."""
    read = Read(frequency_Hz, z_ohm)
    inner = [part for part in circuit.root.parts if isinstance(part, Parallel)]
    if not inner:
        return [_start(circuit, read, [])]
    count = sum(max(len(_resistors(part)), 1) for part in inner)
    return [_start(circuit, read, semicircles) for semicircles in read.groupings(count)]


def _resistors(part: Parallel) -> list[Element]:
    return [one for one in part.elements() if one.kind is Kind.RESISTOR]


def _start(circuit: Circuit, read: Read, semicircles: list[Semicircle]) -> FloatArray:
    """Return values for all parameters, the semicircles shared out from left to right."""
    values = np.empty(len(circuit.parameters))
    for element in circuit.elements:
        values[list(element.places)] = _alone(element.kind, read)
    outer = [part for part in circuit.root.parts if isinstance(part, Element) and part.kind is Kind.RESISTOR]
    for element in outer:
        values[element.first] /= len(outer)
    for part in circuit.root.parts:
        if isinstance(part, Parallel):
            some = _resistors(part)
            mine, semicircles = semicircles[: max(len(some), 1)], semicircles[max(len(some), 1) :]
            _fill(part, some, mine, values)
    for element in circuit.elements:
        limits = read.window.limits(element.kind)
        for place, (low, high) in zip(element.places, limits, strict=True):
            values[place] = min(max(values[place], 1.01 * low), high / 1.01)
    return values


def _alone(kind: Kind, read: Read) -> Sequence[float]:
    """Return the parameters of an element that stands in series with the rest."""
    window = read.window
    slow, fast = window.omega_min_rad_per_s, window.omega_max_rad_per_s
    diffusion = max(read.diffusion, SMALL * window.z_max_ohm * math.sqrt(slow))
    match kind:
        case Kind.RESISTOR:
            return (max(read.R_ohm, SMALL * window.z_min_ohm),)
        case Kind.INDUCTOR:
            return (max(read.L_H, SMALL * window.z_min_ohm / fast),)
        case Kind.CAPACITOR:
            return (1.0 / max(read.elastance_per_F, SMALL * window.z_max_ohm * slow),)
        case Kind.CONSTANT_PHASE:
            return (1.0 / diffusion, 0.5)
        case Kind.WARBURG:
            return (diffusion / math.sqrt(2.0),)
        case Kind.WARBURG_SHORT | Kind.WARBURG_OPEN:
            tau_s = 1.0 / slow
            return (diffusion * math.sqrt(tau_s), tau_s)


def _fill(part: Parallel, resistors: list[Element], mine: list[Semicircle], values: FloatArray) -> None:
    """Give a parallel its semicircles: the k-th resistor and the k-th capacitor share the k-th one."""
    for element, (_, R_ohm) in zip(resistors, mine, strict=False):
        values[element.first] = R_ohm
    storing = (Kind.CAPACITOR, Kind.CONSTANT_PHASE)
    for number, element in enumerate(one for one in part.elements() if one.kind in storing):
        tau_s, R_ohm = mine[min(number, len(mine) - 1)]
        if element.kind is Kind.CAPACITOR:
            values[element.first] = tau_s / R_ohm
        else:
            values[element.first] = tau_s**EXPONENT / R_ohm
            values[element.first + 1] = EXPONENT
