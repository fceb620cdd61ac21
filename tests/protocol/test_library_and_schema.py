"""The library is complete, editable and annotated; the published schema agrees with the reader."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from labctl.errors import UserFileError, UserInputError
from labctl.model.protocol import NoteKind
from labctl.protocol.document import protocol_hash, to_yaml
from labctl.protocol.library import find_protocol, list_protocols
from labctl.protocol.parse import load_protocol, parse_protocol
from labctl.protocol.schema import json_schema, schema_text
from labctl.protocol.yamlfile import load_yaml, load_yaml_file, to_plain

NAMES = [entry.name for entry in list_protocols()]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())
ROOT = Path(__file__).parents[2]


def test_the_library_holds_the_study_and_the_usual_procedures() -> None:
    assert {"p1-li-li-1mA", "p2-li-li-3mA", "p3-li-li-peo", "p4-lto-li", "p5-lfp-li-peo"} <= set(NAMES)
    assert {"p6-eis", "p6-life-li-li"} <= set(NAMES)
    assert {"formation", "rate-test", "gitt", "ccd-staircase"} <= set(NAMES)
    for entry in list_protocols():
        assert entry.problem == "" and entry.title and entry.description


def test_a_protocol_is_found_by_name_beginning_or_path(tmp_path: Path) -> None:
    assert find_protocol("p1") == find_protocol("P1-li-li-1mA") == find_protocol("p1-li-li-1mA.yaml")
    own = tmp_path / "mine.yaml"
    own.write_text("labctl: protocol/1")
    assert find_protocol(str(own)) == own
    with pytest.raises(UserInputError, match="fits several protocols: p1-li-li-1mA, p2"):
        find_protocol("p")
    with pytest.raises(UserInputError, match="Did you mean 'formation'"):
        find_protocol("formaton")
    with pytest.raises(UserInputError, match="no protocol file"):
        find_protocol(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_library_file_reads_rewrites_and_fits_the_schema(name: str) -> None:
    path = find_protocol(name)
    protocol = load_protocol(path)
    again = parse_protocol(to_yaml(protocol))
    assert again == protocol and protocol_hash(again) == protocol_hash(protocol)
    VALIDATOR.validate(to_plain(load_yaml_file(path)))
    VALIDATOR.validate(to_plain(load_yaml(to_yaml(protocol), "rewritten")))


_OF_RECORDS = {"latest", "record_every", "record_change", "lowest_voltage", "highest_voltage"}
_ASSUMED_OF_CYCLING = _OF_RECORDS | {"opening_rest"}
_OF_SPECTRA = {"amplitude", "points_per_decade", "rest"}
_ASSUMED = {"p6-eis": _OF_SPECTRA, "p6-life-li-li": _OF_RECORDS | _OF_SPECTRA}


@pytest.mark.parametrize("name", [name for name in NAMES if re.match(r"p\d", name)])
def test_every_assumption_of_the_study_is_an_editable_field_with_a_note(name: str) -> None:
    protocol = load_protocol(find_protocol(name))
    assert all(variable.note for variable in protocol.variables)
    assumed = {variable.name for variable in protocol.variables if "[A]" in variable.note}
    assert _ASSUMED.get(name, _ASSUMED_OF_CYCLING) <= assumed
    assert any(note.kind is NoteKind.CONTRADICTION for note in protocol.notes)
    assert any(note.kind is NoteKind.ASSUMPTION for note in protocol.notes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("p1", ["160 h, the conclusions 150 h", "'BTS-5 VOA'"]),
        (
            "p3",
            [
                "900 cycles",
                "symmetric cell, not the LFP cell",
                "chamber must be in between",
                "0.8 % of a 10 mA range",
            ],
        ),
        ("p4", ["85.1 %", "figure 6", "mAh-1"]),
        ("p5", ["920 h", "150 h by short", "60 degC"]),
    ],
)
def test_the_contradictions_of_the_study_are_shown_with_the_decision(name: str, words: list[str]) -> None:
    text = " ".join(note.text for note in load_protocol(find_protocol(name)).notes)
    for phrase in words:
        assert phrase in text


def test_the_published_schema_is_the_present_one() -> None:
    published = ROOT / "docs" / "schemas" / "protocol-1.json"
    assert published.read_text(encoding="utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(json_schema())


HEAD = "labctl: protocol/1\nname: n\n"


@pytest.mark.parametrize(
    "text",
    [
        "labctl: protocol/9\nname: n\nsteps: [{rest: 1 h}]",
        "labctl: protocol/1\nsteps: [{rest: 1 h}]",
        HEAD,
        HEAD + "steps: []",
        HEAD + "steps: [{rest: 6}]",
        HEAD + "steps: [{rest: 6 V}]",
        HEAD + "steps: [{rets: 6 h}]",
        HEAD + "steps: [{rest: 6 h, charge: 1 mA}]",
        HEAD + "steps: [{charge: -1 V, until: {time: 1 h}}]",
        HEAD + "steps: [{charge: 1 mA, untill: {time: 1 h}}]",
        HEAD + "steps: [{charge: 1 mA, until: {tme: 1 h}}]",
        HEAD + "steps: [{repeat: 0, steps: [{rest: 1 h}]}]",
        HEAD + "steps: [{repeat: 3}]",
        HEAD + "safety: {voltage: 5 V}\nsteps: [{rest: 1 h}]",
        HEAD + "detect: {short: {below: 10 V, then: stop}}\nsteps: [{rest: 1 h}]",
        HEAD + "detect: {short: {below: 10 ohm cm^2, then: explode}}\nsteps: [{rest: 1 h}]",
        HEAD + "for: dog\nsteps: [{rest: 1 h}]",
        HEAD + "temperature: 25\nsteps: [{rest: 1 h}]",
    ],
)
def test_reader_and_schema_refuse_the_same_bad_files(text: str) -> None:
    with pytest.raises(UserFileError):
        parse_protocol(text)
    assert not VALIDATOR.is_valid(to_plain(load_yaml(text, "bad")))


@pytest.mark.parametrize(
    "step",
    [
        "{rest: 90 minutes}",
        "{charge: 1 mA/cm², until: {capacity: 80 %}}",
        "{charge: 1 C, then_hold: 4.2 V, until: {current: C/20}}",
        "{hold: 4 V, direction: charge, at_most: 85 mA/g, until: {time: 1 d}}",
        "{discharge: 78.54 µA, to: 1 V, range: auto, name: x, record: {every: 1 s}, safety: {voltage: [none, 4 V]}}",
        "{repeat: 2, until: cycle > 3, vary: {j: [1, 2]}, steps: [{charge: '${j} mA', until: {time: 1 h}}]}",
        "{if: cycle > 3, then: [{rest: 1 h}], else: [{ask: Well?}]}",
        "{eis: {from: 1 MHz, to: 100 mHz, amplitude: 10 mV rms}}",
        "{parallel: [[{rest: 1 h}], [{handover: x}]]}",
    ],
)
def test_reader_and_schema_accept_the_same_good_steps(step: str) -> None:
    text = HEAD + f"steps: [{step}]"
    parse_protocol(text)
    VALIDATOR.validate(to_plain(load_yaml(text, "good")))


def test_the_examples_of_the_readme_are_protocols() -> None:
    text = (ROOT / "protocols" / "README.md").read_text(encoding="utf-8")
    whole, part = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert parse_protocol(whole, "README.md").name == "Li|Li symmetric, 1 mA/cm2"
    assert parse_protocol(f"{HEAD}steps:\n{part}", "README.md").steps
