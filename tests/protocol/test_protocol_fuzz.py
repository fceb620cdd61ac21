"""Mutilated protocol files end in a program or in a refusal in words, never in anything else (F33, F31)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.errors import ProgramError, UserFileError
from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.program import StepMode, program_from_json, program_to_json
from labctl.protocol.bind import bind
from labctl.protocol.document import to_yaml
from labctl.protocol.library import find_protocol, list_protocols
from labctl.protocol.parse import parse_protocol
from labctl.protocol.sentences import sentences

CELL = Cell(
    CellId("C3"), "LFP-P", CellKind.LFP_LI, diameter_mm=10.0, active_mass_mg=0.924, one_c_mA_per_g=170.0
)
DUAL = CyclerCapabilities(
    "BTS-5V10mA", frozenset(StepMode), (CurrentRange(1e-3), CurrentRange(1e-2)), -5.0, 5.0, steps_max=20
)
TEXTS = [find_protocol(entry.name).read_text(encoding="utf-8") for entry in list_protocols()]
WORDS = [
    "rest", "charge", "discharge", "hold", "repeat", "until", "vary", "if", "then", "else", "eis", "steps", "to",
    "then_hold", "at_most", "capacity", "voltage", "time", "current", "0", "1", "-1", "1 V", "1 C", "0 mA", "1e300 A",
    "1e-300 A", "1e300 h", "999999 %", "${current}", "${x}", "pass", "pass > 1", "[", "]", "{", "}", ":", "- ", "\n",
    "  ", "#", "none", "auto", "symmetric", "lfp_li", "25 degC", "900 degC", "*a", "&a", "5 K",
]  # fmt: skip


@st.composite
def mutilated(draw: st.DrawFn) -> str:
    """Return a library file with a few words put in the place of others."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from(WORDS)) + text[stop:]
    return text


@settings(max_examples=200, deadline=None)
@given(mutilated())
def test_a_mutilated_file_gives_a_program_or_a_refusal(text: str) -> None:
    try:
        protocol = parse_protocol(text, "fuzz.yaml")
        assert parse_protocol(to_yaml(protocol)) == protocol
        assert sentences(protocol)
        program = bind(protocol, CELL, ChannelId("neware:1-1"), DUAL, has_chamber=True)
    except UserFileError as error:
        assert str(error) and "\n" not in str(error)
        return
    except ProgramError as error:
        assert error.findings and all(error.findings)
        return
    assert program_from_json(program_to_json(program)) == program
    assert sentences(program)


@st.composite
def step_lists(draw: st.DrawFn) -> str:
    """Return a syntactically right protocol of random steps, numbers and nesting."""
    number = st.sampled_from(["0.001", "0.1", "1", "3", "50", "1e6", "1e-9"])
    unit = st.sampled_from(["mA", "A", "uA", "C", "mA/cm^2", "mA/g"])
    volts = st.sampled_from(["-6 V", "-1 V", "0 V", "3 V", "3.8 V", "4.2 V", "7 V"])
    time = st.sampled_from(["0.01 s", "1 s", "10 min", "1 h", "400 d"])

    def step(depth: int) -> str:
        kind = draw(
            st.sampled_from(["rest", "charge", "discharge", "cccv", "hold", "repeat", "if", "vary", "until"])
        )
        if kind == "rest" or (depth > 4 and kind in ("repeat", "if", "vary", "until")):
            return f"{{rest: {draw(time)}}}"
        if kind in ("charge", "discharge"):
            return f"{{{kind}: {draw(number)} {draw(unit)}, until: {{voltage: {draw(volts)}, time: {draw(time)}}}}}"
        if kind == "cccv":
            return (
                f"{{charge: {draw(number)} {draw(unit)}, then_hold: {draw(volts)}, until: {{current: C/20}}}}"
            )
        if kind == "hold":
            return f"{{hold: {draw(volts)}, at_most: {draw(number)} {draw(unit)}, until: {{time: {draw(time)}}}}}"
        body = ", ".join(step(depth + 1) for _ in range(draw(st.integers(1, 3))))
        count = draw(st.sampled_from([1, 2, 30, 70000, 65537]))
        if kind == "vary":
            return (
                f"{{repeat: 2, vary: {{j{depth}: [1 s, 2 s]}}, steps: [{{rest: '${{j{depth}}}'}}, {body}]}}"
            )
        if kind == "if":
            return f"{{if: voltage > 3 V, then: [{body}]}}"
        until = "until: retention < 80 %, " if kind == "until" else ""
        return f"{{repeat: {count}, {until}steps: [{body}]}}"

    steps = "\n".join(f"  - {step(0)}" for _ in range(draw(st.integers(1, 4))))
    return f"labctl: protocol/1\nname: fuzz\nsteps:\n{steps}\n"


@settings(max_examples=200, deadline=None)
@given(step_lists())
def test_any_steps_bind_within_the_device_or_are_refused(text: str) -> None:
    try:
        program = bind(parse_protocol(text), CELL, ChannelId("neware:1-1"), DUAL)
    except (UserFileError, ProgramError):
        return
    assert program.estimate.cycles >= 1 and program.estimate.rows >= 0
    assert program_from_json(program_to_json(program)) == program
