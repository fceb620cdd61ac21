"""Every kind of mistake in a protocol file is refused with its line, its column and what would be right.

Goal: nobody ever sees a traceback, and nobody has to search. Method: one good file, one change per case.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labctl.errors import UserFileError, UserInputError
from labctl.protocol.parse import load_protocol, parse_protocol

GOOD = """\
labctl: protocol/1
name: Cycling
for: symmetric
variables:
  j: {default: 1 mA/cm^2, note: stated}
temperature: 25 degC
record: {every: 10 s, or_change: 5 mV}
safety: {voltage: [-5 V, 5 V]}
detect:
  short: {below: 10 ohm cm^2, half_cycles: 5, then: stop}
steps:
  - rest: 6 h
  - repeat: 250
    steps:
      - charge: ${j}
        until: {capacity: 1 mAh/cm^2, time: 61 min}
      - discharge: ${j}
        until: {capacity: 1 mAh/cm^2, time: 61 min}
"""

# kind of mistake, what is replaced, by what, line, column, words of the answer
CASES: list[tuple[str, str, str, int, int, str]] = [
    ("wrong header", "protocol/1", "protocol/9", 1, 9, "Write 'labctl: protocol/1'"),
    ("station file", "protocol/1", "station/1", 1, 9, "belong to other commands"),
    ("no header", "labctl: protocol/1\n", "", 1, 1, "Add 'labctl: protocol/1' as its first line"),
    ("no name", "name: Cycling\n", "", 1, 1, "Add for example 'name: My protocol'"),
    ("no steps", GOOD[GOOD.index("steps:") :], "", 1, 1, "lacks 'steps'"),
    ("unknown top key", "safety:", "saftey:", 8, 1, "Did you mean 'safety'?"),
    ("unknown step", "- rest:", "- rets:", 12, 5, "Did you mean 'rest'?"),
    ("step without meaning", "- rest: 6 h", "- colour: red", 12, 5, "Steps: rest, charge"),
    ("step as bare word", "- rest: 6 h", "- rest", 12, 5, "Write '- rest: ...'"),
    ("two steps in one", "- rest: 6 h", "- rest: 6 h\n    charge: 1 mA", 13, 5, "put '- ' before 'charge'"),
    ("unknown step key", "until: {capacity", "untill: {capacity", 16, 9, "Did you mean 'until'?"),
    ("unknown end", "{capacity: 1", "{capcity: 1", 16, 17, "Did you mean 'capacity'?"),
    ("unit missing", "rest: 6 h", "rest: 6", 12, 11, "a plain number without a unit. Write for example '6 h'"),
    ("capacity without unit", "{capacity: 1 mAh/cm^2", "{capacity: 1", 16, 27, "a plain number without a unit"),
    ("unit unknown", "time: 61 min}", "time: 61 mim}", 16, 45, "Did you mean 'min'?"),
    ("unit of another kind", "rest: 6 h", "rest: 6 V", 12, 11, "must be a time, but '6 V' is a voltage"),
    ("decimal comma", "rest: 6 h", "rest: 6,5 h", 12, 11, "Use a point as decimal mark"),
    ("no number", "rest: 6 h", "rest: long", 12, 11, "is not a number with a unit"),
    ("negative time", "rest: 6 h", "rest: -6 h", 12, 11, "must not be negative"),
    ("negative current", "charge: ${j}", "charge: -1 mA", 15, 17, "the direction is the word charge or discharge"),
    ("zero current", "charge: ${j}", "charge: 0 mA", 15, 17, "must be larger than zero"),
    ("infinite value", "rest: 6 h", "rest: 1e999 h", 12, 11, "Write for example '6 h'"),
    ("repeat 0", "repeat: 250", "repeat: 0", 13, 13, "repeat is 0; it must be 1 to"),
    ("repeat a fraction", "repeat: 250", "repeat: 2.5", 13, 13, "must be a whole number"),
    ("repeat too often", "repeat: 250", "repeat: 99999999", 13, 13, "it must be 1 to 10000000"),
    ("repeat without steps", "repeat: 250\n    steps:", "repeat: 250\n    step:", 14, 5, "Did you mean 'steps'?"),
    ("empty steps", "steps:\n      - charge: ${j}\n        until: {capacity: 1 mAh/cm^2, time: 61 min}\n"
     "      - discharge: ${j}\n        until: {capacity: 1 mAh/cm^2, time: 61 min}\n", "steps: []\n",
     14, 12, "is an empty list"),
    ("steps not a list", "steps:\n  - rest: 6 h", "steps: go\nx:\n  - rest: 6 h", 12, 1, "unknown key 'x'"),
    ("unknown variable", "charge: ${j}", "charge: ${k}", 15, 17, "Add it under 'variables:' (known: j)"),
    ("broken variable", "charge: ${j}", "charge: ${j", 15, 17, "Write ${name}"),
    ("variable of wrong kind", "rest: 6 h", "rest: ${j}", 12, 11, "must be a time, but '1 mA/cm^2'"),
    ("variable never used", "variables:\n", "variables:\n  spare: 1 h\n", 5, 3, "variable 'spare' is never used"),
    ("variable badly named", "  j: {", "  j-1: {", 5, 3, "is not a variable name"),
    ("endless charge", "\n        until: {capacity: 1 mAh/cm^2, time: 61 min}\n      - dis", "\n      - dis",
     15, 9, "can never end. Add for example 'until:"),
    ("endless hold", "- rest: 6 h", "- {hold: 4 V, at_most: 1 mA}", 12, 6, "can never end"),
    ("hold without current", "- rest: 6 h", "- {hold: 4 V, until: {time: 1 h}}",
     12, 6, "Add for example 'at_most: 1 C'"),
    ("CC ending by current", "{capacity: 1 mAh/cm^2, time: 61 min}\n      - dis", "{current: 1 mA}\n      - dis",
     16, 16, "Add 'then_hold: 4.2 V' for CCCV"),
    ("end voltage twice", "- rest: 6 h", "- {charge: 1 mA, to: 1 V, until: {voltage: 2 V}}",
     12, 24, "Keep one of them"),
    ("CCCV ending by voltage", "- rest: 6 h", "- {charge: 1 mA, then_hold: 4 V, to: 4 V}",
     12, 40, "cannot also end at one"),
    ("hold ending by voltage", "- rest: 6 h", "- {hold: 4 V, at_most: 1 mA, until: {voltage: 1 V}}", 12, 39,
     "cannot be the end as well"),
    ("wrong side of 0 V", "{capacity: 1 mAh/cm^2, time: 61 min}\n      - dis", "{voltage: -1 V}\n      - dis",
     15, 9, "rests at 0 V"),
    ("end voltages swapped", "- rest: 6 h",
     "- {charge: 1 mA, until: {voltage: 1 V}}\n  - {discharge: 1 mA, until: {voltage: 2 V}}",
     13, 6, "Swap the two voltages"),
    ("voltage outside safety", "- rest: 6 h", "- {charge: 1 mA, until: {voltage: 6 V}}",
     12, 6, "outside the safety limit 5 V"),
    ("step limit looser", "- rest: 6 h", "- {rest: 6 h, safety: {voltage: [-6 V, 5 V]}}",
     12, 6, "A step may only tighten a limit"),
    ("limits swapped", "[-5 V, 5 V]", "[5 V, -5 V]", 8, 19, "Swap the two values"),
    ("one limit only", "[-5 V, 5 V]", "5 V", 8, 19, "Write 'voltage: [-5 V, 5 V]'"),
    ("limit of nothing", "[-5 V, 5 V]", "[none, none]", 8, 19, "limits nothing"),
    ("unknown detection", "short:", "shorts:", 10, 3, "Did you mean 'short'?"),
    ("unknown action", "then: stop", "then: stopp", 10, 53, "Did you mean 'stop'?"),
    ("no action", ", then: stop", "", 10, 10, "Add for example 'then: stop'"),
    ("unknown kind of cell", "for: symmetric", "for: symetric", 3, 6, "Did you mean 'symmetric'?"),
    ("temperature in kelvin", "temperature: 25 degC", "temperature: 298 K", 6, 14, "Write for example '25 degC'"),
    ("duplicate key", "name: Cycling\n", "name: Cycling\nname: Again\n", 3, 1, "first on line 2"),
    ("empty value", "name: Cycling", "name:", 2, 1, "Give a value or remove the line"),
    ("tab as indent", "  - rest: 6 h", "\t- rest: 6 h", 12, 1, "spaces only, no tabs"),
    ("bracket open", "[-5 V, 5 V]}", "[-5 V, 5 V}", 8, 29, "Check the indentation"),
    ("tag", "name: Cycling", "name: !!str Cycling", 2, 7, "Remove the tag"),
    ("merge key", "name: Cycling", "name: Cycling\n<<: {a: b}", 3, 1, "merge keys"),
    ("alias without anchor", "name: Cycling", "name: *other", 2, 7, "has no anchor"),
    ("second document", "name: Cycling", "name: Cycling\n---\nname: Two", 3, 1, "Keep one document per file"),
    ("expression of unknown name", "repeat: 250", "repeat: 250\n    until: ageing > 1 V",
     14, 12, "Known: cycle, test_time"),
    ("expression of wrong unit", "repeat: 250", "repeat: 250\n    until: polarisation > 1",
     14, 25, "'polarisation > 1 V'"),
    ("expression without comparison", "repeat: 250", "repeat: 250\n    until: polarisation", 14, 12, "not a condition"),
    ("expression that is code", "repeat: 250", "repeat: 250\n    until: __import__('os')",
     14, 23, "not part of the expression language"),
    ("pass outside a repeat", "- rest: 6 h", "- if: pass > 3\n    then: [{rest: 1 h}]", 12, 5, "no repeat encloses"),
    ("varied list of wrong length", "repeat: 250", "repeat: 3\n    vary: {i: [1 mA, 2 mA]}",
     14, 15, "Give one value per pass"),
    ("varied too often", "repeat: 250", "repeat: 250\n    vary: {i: {start: 1 mA, add: 1 mA}}",
     13, 13, "Use larger stairs"),
    ("varied in two units", "repeat: 250", "repeat: 3\n    vary: {i: {start: 1 mA, add: 1 A}}",
     14, 34, "Use one unit for both"),
    ("varied name taken", "repeat: 250", "repeat: 3\n    vary: {j: {start: 1 mA, add: 1 mA}}",
     14, 12, "Choose another name"),
    ("note without text", "steps:\n  -", "notes: [{about: x}]\nsteps:\n  -", 11, 9, "a note has one text"),
    ("temperature bands crossed", "temperature: 25 degC", "temperature: {setpoint: 25 degC, tolerance: 3 K}", 6, 14,
     "Order them tolerance <= warn <= trip"),
    ("percent forgotten",
     "  short: {below: 10 ohm cm^2, half_cycles: 5, then: stop}", "  capacity: {below: 80, then: stop}",
     10, 21, "Write '80 %'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_bad_file_is_refused_with_place_and_fix(
    old: str, new: str, line: int, column: int, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(UserFileError) as caught:
        parse_protocol(GOOD.replace(old, new, 1), "bad.yaml")
    message = str(caught.value)
    assert words in message
    assert (caught.value.line, caught.value.column) == (line, column), message
    assert message.startswith(f"bad.yaml:{line}:{column}: ")
    assert "\n" not in message
    assert caught.value.fix, "every refusal says what would be right"


def test_there_are_more_than_thirty_kinds_and_the_good_file_is_good() -> None:
    assert len({case[0] for case in CASES}) == len(CASES) >= 30
    assert parse_protocol(GOOD).name == "Cycling"


@pytest.mark.parametrize(
    "text", ["", "   \n", "# nothing\n", "just a sentence", "- a\n- b", "[]", "{}", "42", "\x00", "a: \x07"]
)
def test_a_file_that_is_no_protocol_at_all_is_refused_in_words(text: str) -> None:
    with pytest.raises(UserFileError) as caught:
        parse_protocol(text, "odd.yaml")
    assert re.match(r"odd\.yaml(:\d+:\d+)?: .+\.", str(caught.value))


def test_a_missing_file_a_folder_and_a_binary_file_are_refused_in_words(tmp_path: Path) -> None:
    binary = tmp_path / "photo.yaml"
    binary.write_bytes(b"\xff\xd8\xff\xe0 JFIF")
    for path in (tmp_path / "none.yaml", tmp_path, binary):
        with pytest.raises(UserFileError, match=re.escape(str(path))):
            load_protocol(path)


def test_an_unknown_variable_on_the_command_line_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserInputError, match=r"has no variable 'jj'\. Did you mean 'j'"):
        parse_protocol(GOOD, variables={"jj": "1 mA"})


def test_a_variable_cannot_smuggle_structure_into_an_expression() -> None:
    text = GOOD.replace("repeat: 250", "repeat: 250\n    until: retention < ${limit}").replace(
        "variables:\n", "variables:\n  limit: 80 %\n"
    )
    assert parse_protocol(text, variables={"limit": "70 %"}).name == "Cycling"
    with pytest.raises(UserFileError, match="cannot stand inside a longer value"):
        parse_protocol(text, variables={"limit": "0 or cycle > 0"})
