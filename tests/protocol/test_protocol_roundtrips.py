"""Properties of writing and reading: any protocol, through YAML and through other formats.

Goal: ``read(export(p))`` equals ``p`` minus exactly what the loss report lists.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.errors import UserFileError
from labctl.interfaces.converter import Loss
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId
from labctl.model.protocol import (
    Direction,
    Drive,
    Ends,
    Hold,
    Protocol,
    ProtocolNode,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
    StepOptions,
)
from labctl.protocol.check import all_nodes
from labctl.protocol.convert import pybamm, unicycler
from labctl.protocol.document import to_document, to_yaml
from labctl.protocol.parse import parse_protocol
from labctl.protocol.quantities import base_value, parse_quantity, quantity

CELL = Cell(
    CellId("C3"), "LFP-P", CellKind.LFP_LI, diameter_mm=10.0, active_mass_mg=0.924, one_c_mA_per_g=170.0
)

positive = st.integers(1, 5000).map(lambda n: n / 100)
times = st.builds(quantity, positive, st.sampled_from(["s", "min", "h"]))
volts = st.builds(quantity, st.integers(1, 5000).map(lambda n: n / 1000), st.sampled_from(["V", "mV"]))
currents = st.builds(quantity, positive, st.sampled_from(["A", "mA", "uA", "C", "mA/cm^2", "mA/g"]))
capacities = st.builds(quantity, positive, st.sampled_from(["Ah", "mAh", "mAh/cm^2", "mAh/g", "%"]))
maybe = st.none
records = st.builds(
    RecordIntent,
    maybe() | times,
    maybe() | volts,
    maybe() | st.builds(quantity, positive, st.sampled_from(["mA", "uA", "C"])),
)
safeties = st.builds(
    SafetyIntent,
    maybe() | st.builds(quantity, st.integers(-5000, -1).map(float), st.just("mV")),
    maybe() | st.builds(quantity, st.integers(5001, 9000).map(float), st.just("mV")),
    maybe() | currents,
    maybe() | st.builds(quantity, positive, st.sampled_from(["mAh", "mAh/cm^2"])),
    maybe(),
    maybe() | st.just(quantity(70, "degC")),
    maybe() | st.just(quantity(2, "s")),
    maybe() | st.builds(SafetyIntent, maybe() | st.just(quantity(-1, "V")), st.just(quantity(3, "V"))),
)
options = st.builds(
    StepOptions,
    st.sampled_from(["", "", "Pulse: one"]),
    maybe() | records.filter(lambda record: record != RecordIntent()),
    maybe(),
    maybe() | st.just(quantity(10, "mA")),
)
rests = st.builds(Rest, times, st.builds(StepOptions, st.sampled_from(["", "r"])))
drives = st.builds(
    Drive,
    st.sampled_from(Direction),
    currents,
    st.builds(Ends, maybe() | volts, maybe(), times, maybe() | capacities),
    maybe(),
    options,
)
cccvs = st.builds(
    Drive,
    st.sampled_from(Direction),
    currents,
    st.builds(Ends, maybe(), maybe() | currents, times),
    volts,
    options,
)
holds = st.builds(
    Hold,
    st.sampled_from(Direction),
    volts,
    st.builds(Ends, maybe(), currents, maybe() | times),
    currents,
    st.builds(StepOptions, st.just("")),
)


def node_of(leaves: st.SearchStrategy[ProtocolNode]) -> st.SearchStrategy[ProtocolNode]:
    """Return steps and nested repeats of them."""
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda count, body, until: Repeat(count, (tuple(body),), until),
            st.integers(1, 500),
            st.lists(inner, min_size=1, max_size=4),
            st.sampled_from(["", "", "retention < 80 %"]),
        ),
        max_leaves=8,
    )


def protocol_with(leaves: st.SearchStrategy[ProtocolNode]) -> st.SearchStrategy[Protocol]:
    """Return protocols of these steps, with names and texts that are awkward in YAML."""
    return st.builds(
        lambda steps, record, safety, kinds, description: Protocol(
            "Any: protocol, {of} [hypothesis] #1",
            tuple(steps),
            description,
            kinds,
            record=record,
            safety=safety,
        ),
        st.lists(node_of(leaves), min_size=1, max_size=5),
        records,
        safeties,
        st.sampled_from([(), (CellKind.LFP_LI,), (CellKind.LFP_LI, CellKind.OTHER)]),
        st.sampled_from(
            ["", "text: with colon", "- dash", "#hash", "true", "5", "'quote", "two\nlines", "ü %"]
        ),
    )


simple_protocols = protocol_with(rests | drives | holds)
all_protocols = protocol_with(rests | drives | cccvs | holds)


def places_that_differ(one: Any, two: Any, place: str = "") -> set[str]:
    """Return the paths at which two documents differ, quantities compared by value."""
    if isinstance(one, dict) and isinstance(two, dict):
        found: set[str] = set()
        for key in one.keys() | two.keys():
            inner = f"{place}.{key}" if place else key
            found |= places_that_differ(one.get(key), two.get(key), inner)
        return found
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        pairs = enumerate(zip(one, two, strict=True), 1)
        return {found for index, (a, b) in pairs for found in places_that_differ(a, b, f"{place}[{index}]")}
    if isinstance(one, str) and isinstance(two, str):
        first, second = parse_quantity(one), parse_quantity(two)
        if first is not None and second is not None and first.kind is second.kind:
            same = abs(base_value(first) - base_value(second)) <= 1e-9 * abs(base_value(first))
            return set() if same else {place}
    return set() if one == two else {place}


def listed(place: str, losses: tuple[Loss, ...]) -> bool:
    """Return whether a loss names the place or something above or below it."""
    return any(
        place == loss.place
        or place.startswith((f"{loss.place}.", f"{loss.place}["))
        or loss.place.startswith(f"{place}.")
        for loss in losses
    )


@settings(max_examples=60, deadline=None)
@given(all_protocols)
def test_a_protocol_written_as_yaml_reads_back_the_same(protocol: Protocol) -> None:
    try:
        again = parse_protocol(to_yaml(protocol))
    except (
        UserFileError
    ) as error:  # random protocols may be senseless, but what is written must be readable YAML
        assert "not YAML" not in str(error) and "unknown key" not in str(error), to_yaml(protocol)
        return
    assert again == protocol


BOTH = pytest.mark.parametrize("converter", [unicycler, pybamm], ids=["unicycler", "pybamm"])


@BOTH
@settings(max_examples=60, deadline=None)
@given(protocol=all_protocols)
def test_reading_back_gives_what_the_report_says_is_kept(converter: Any, protocol: Protocol) -> None:
    data, losses = converter.export(protocol, CELL)
    kept, same_losses = converter.reduce(protocol, CELL)
    again, _ = converter.read(data)
    assert again == kept and same_losses == losses
    split = [
        node for node in all_nodes(protocol.steps) if isinstance(node, Drive) and node.then_hold is not None
    ]
    assert len([loss for loss in losses if "CCCV" in loss.what]) == len(split), (
        "each is one loss, at its place"
    )


@BOTH
@settings(max_examples=60, deadline=None)
@given(protocol=simple_protocols)
def test_what_is_kept_is_the_protocol_minus_exactly_the_losses(converter: Any, protocol: Protocol) -> None:
    """Steps that become two (CCCV) shift the places after them and are left to the test above."""
    kept, losses = converter.reduce(protocol, CELL)
    differing = places_that_differ(to_document(protocol), to_document(kept))
    for place in differing:
        assert listed(place, losses), (place, losses)
    for loss in losses:
        place = loss.place
        assert any(
            place == other or other.startswith(place) or place.startswith(other) for other in differing
        ), loss


@BOTH
def test_a_protocol_that_the_format_holds_loses_nothing(converter: Any) -> None:
    steps = "steps:\n  - rest: 1 h\n  - {charge: 1 C, to: 4 V}\n"
    head = f"labctl: protocol/1\nname: {converter.READ_NAME}\nrecord: {{every: 5 s}}\n"
    protocol = parse_protocol(head + steps)
    data, losses = converter.export(protocol)
    assert losses == ()
    again, read_losses = converter.read(data)
    assert read_losses == ()
    assert places_that_differ(to_document(protocol), to_document(again)) == set()
