"""The circuit language and the impedances behind it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.elements import Kind
from labctl.errors import UserInputError

FREQUENCY_Hz = np.geomspace(1e6, 1e-2, 25)

DUMMY_CELL = {  # potentiostat.md 3.1, D1: 10 ohm in series with 100 ohm parallel to 100 uF
    1e6: (10.0, -0.0015915),
    1e4: (10.000253, -0.1591546),
    1e3: (10.025324, -1.591146),
    100.0: (12.470452, -15.52231),
    15.91549: (60.0, -50.0),
    1.0: (109.60677, -6.258478),
    0.1: (109.99605, -0.628294),
}

elements = st.sampled_from(["R", "C", "L", "Q", "CPE", "W", "Ws", "Wo"])
circuits = st.recursive(
    elements,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("-".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: f"({','.join(some)})"),
    ),
    max_leaves=5,
)


def values_of(circuit: Circuit, seed: int) -> np.ndarray:
    """Return values with impedances of the order of 1 to 1,000 ohm at 1 kHz."""
    spread = np.random.default_rng(seed).uniform(-1.5, 1.5, len(circuit.parameters))
    middle = {"ohm": 30.0, "F": 1e-5, "H": 1e-3, "ohm^-1 s^n": 1e-3, "ohm s^-1/2": 30.0, "s": 0.1}
    return np.array(
        [
            middle[unit] * math.exp(off) if unit else 0.8
            for unit, off in zip(circuit.units, spread, strict=True)
        ]
    )


def test_the_usual_circuit_is_read_with_names_for_all_its_parameters() -> None:
    circuit = Circuit.read("L-R-(RQ)-(RQ)-W")
    assert circuit.parameters == ("L1", "R1", "R2", "Q1", "Q1.n", "R3", "Q2", "Q2.n", "W1")
    assert [(arc.resistor.name, arc.capacitor.name) for arc in circuit.arcs] == [("R2", "Q1"), ("R3", "Q2")]


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("R0-p(R1,CPE1)-Wo1", "R0-(R1,Q1)-Wo1"),
        (" R - ( Q , R - W ) ", "R1-(Q1,R2-W1)"),
        ("R-(R-WQ)", "R1-(R2-W1,Q1)"),
        ("R1-R", "R1-R2"),
        ("R-R1", "R2-R1"),
        ("(C R-(C R-W))", "(C1,R1-(C2,R2-W1))"),
        ("Ws", "Ws1"),
        ("R007", "R7"),
    ],
)
def test_ways_of_writing_are_understood(text: str, read_as: str) -> None:
    assert str(Circuit.read(text)) == read_as


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", 1, "an element or '(' is missing"),
        ("R-", 3, "an element or '(' is missing"),
        ("R--C", 3, "missing before '-'"),
        ("R-X", 3, "'X' is no element"),
        ("R-(RQ", 3, "not closed"),
        ("R-RQ", 4, "'-' is missing before 'Q'"),
        ("R-Q)", 4, "never opened"),
        ("(R)", 1, "two branches"),
        ("R-(R,)", 6, "a branch is missing"),
        ("R,C", 2, "inside parentheses only"),
        ("R1-C-R1", 6, "two elements R1"),
        ("R-R1234", 7, "'4' is no element"),
    ],
)
def test_a_slip_is_named_with_its_place(text: str, place: int, problem: str) -> None:
    with pytest.raises(UserInputError, match=f"at character {place}: ") as slip:
        Circuit.read(text)
    assert problem in str(slip.value)


@pytest.mark.parametrize("text", ["R" * 301, "-".join("R" * 41), "(" * 299])
def test_endless_circuits_are_refused(text: str) -> None:
    with pytest.raises(UserInputError):
        Circuit.read(text)


@settings(max_examples=30, deadline=None)
@given(circuits)
def test_what_a_circuit_says_of_itself_is_read_as_the_same_circuit(text: str) -> None:
    circuit = Circuit.read(text)
    assert Circuit.read(str(circuit)) == circuit


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="RCLQWso()-,p 19", max_size=30))
def test_any_text_is_a_circuit_or_a_slip_with_a_place(text: str) -> None:
    try:
        assert Circuit.read(text).elements
    except UserInputError as slip:
        assert "at character" in str(slip)


def test_the_dummy_cell_has_the_impedance_of_its_table() -> None:
    circuit = Circuit.read("R-(RC)")
    values = circuit.values({"R1": 10.0, "R2": 100.0, "C1": 100e-6})
    z_ohm = circuit.impedance_ohm(np.array(list(DUMMY_CELL)), values)
    expected = np.array([complex(*row) for row in DUMMY_CELL.values()])
    assert np.abs(z_ohm - expected).max() < 2e-5


@pytest.mark.parametrize(
    ("text", "low_ohm", "high"),
    [
        ("Ws", 5.0, "W"),  # a film: its resistance at rest, endless diffusion at high frequencies
        ("Wo", None, "W"),  # a blocked space: a capacitor at rest
    ],
)
def test_finite_diffusion_is_endless_at_high_frequencies(text: str, low_ohm: float | None, high: str) -> None:
    finite, endless = Circuit.read(text), Circuit.read(high)
    values = np.array([5.0, 2.0])
    fast_ohm = finite.impedance_ohm(np.array([1e3]), values)
    assert abs(fast_ohm / endless.impedance_ohm(np.array([1e3]), np.array([5.0 / 2.0])) - 1.0) < 1e-9
    slow_ohm = finite.impedance_ohm(np.array([1e-5]), values)[0]
    capacitor_ohm = 5.0 / (2j * math.pi * 1e-5 * 2.0)
    assert abs(slow_ohm - (low_ohm if low_ohm else capacitor_ohm + 5.0 / 3.0)) < 1e-3


@settings(max_examples=15, deadline=None)
@given(circuits, st.integers(0, 1000))
def test_slopes_are_those_of_small_steps(text: str, seed: int) -> None:
    circuit = Circuit.read(text)
    values = values_of(circuit, seed)
    z_ohm, slopes = circuit.answer(FREQUENCY_Hz, values)
    assert np.array_equal(z_ohm, circuit.impedance_ohm(FREQUENCY_Hz, values))
    step = 1e-5
    for place in range(len(values)):
        ends = []
        for sign in (1.0, -1.0):
            moved = values.copy()
            moved[place] *= math.exp(sign * step)
            ends.append(circuit.impedance_ohm(FREQUENCY_Hz, moved))
        stepped = (ends[0] - ends[1]) / (2.0 * step)
        assert np.abs(stepped - slopes[place]).max() <= 1e-4 * np.abs(z_ohm).max()


def test_values_by_name_must_be_all_and_no_other() -> None:
    circuit = Circuit.read("R-(RC)")
    with pytest.raises(UserInputError, match="has the parameters R1, R2, C1"):
        circuit.values({"R1": 1.0, "R2": 1.0})


def test_a_circuit_knows_what_it_holds() -> None:
    circuit = Circuit.read("R-(Q,R-W)")
    assert circuit.has(Kind.WARBURG)
    assert not circuit.has(Kind.INDUCTOR)
    assert circuit.arcs == ()  # a resistor with diffusion behind it is no plain semicircle
