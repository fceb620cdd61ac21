"""An entry more in a station file: every other byte stays, and what is no entry is refused."""

from __future__ import annotations

import pytest

from labctl.config.station import default_station_text, parse_station
from labctl.config.stationedit import with_device
from labctl.errors import LabctlError, UserFileError, UserInputError

SECOND = """\
instruments:
  - name: second
    driver: neware-bts
    resource: tcp://192.168.1.21:502   # beside the window
    options: {devid: 34, step_folder: ./steps}
"""
OVEN = """\
chambers:
- name: oven
  driver: modbus-chamber
  resource: tcp://192.168.1.9:502
  channels: ['neware:1-1']
"""
EMPTY = "# ours\nlabctl: station/1\nname: bench   # of the lab\ninstruments: []  # none yet\nlimits: {}\n"


def added_lines(before: str, after: str) -> list[str]:
    """Return what is new in the text, and see that nothing else has changed."""
    left = before.splitlines()
    new = []
    for line in after.splitlines():
        if left and line == left[0]:
            left.pop(0)
        else:
            new.append(line)
    assert left == []
    return new


def test_an_entry_goes_to_the_end_of_its_list_and_every_comment_stays() -> None:
    before = default_station_text()
    made = with_device(before, SECOND, "station.yaml")
    assert (made.kind, made.entry.name, made.entry.resource) == (
        "instruments",
        "second",
        "tcp://192.168.1.21:502",
    )
    assert added_lines(before, made.text) == SECOND.splitlines()[1:]
    assert [entry.name for entry in parse_station(made.text).instruments] == ["neware", "second"]
    assert made.text.index("name: second") < made.text.index("chambers:"), "before the next part's comments"


def test_a_first_entry_takes_the_place_of_the_empty_list() -> None:
    made = with_device(EMPTY, SECOND, "station.yaml")
    assert "instruments:  # none yet\n  - name: second\n" in made.text and made.text.startswith("# ours\n")
    assert made.text.endswith("limits: {}\n") and "# beside the window" in made.text
    third = with_device(made.text, SECOND.replace("second", "third"), "station.yaml")
    assert "instruments:  # none yet\n" in third.text, "a comment behind the head stays one"


def test_a_list_that_the_file_does_not_have_is_begun_at_its_end() -> None:
    before = default_station_text().replace("chambers: []\n", "")
    made = with_device(before, OVEN, "station.yaml")
    assert made.kind == "chambers" and made.entry.channels == ("neware:1-1",)
    assert made.text.startswith(before.rstrip("\n"))


@pytest.mark.parametrize("indent", ["", "  ", "      "])
def test_the_indentation_of_the_file_is_kept(indent: str) -> None:
    entry = "- name: first\n  driver: x\n  resource: tcp://a:1\n"
    before = "labctl: station/1\ninstruments:\n" + "".join(f"{indent}{line}\n" for line in entry.splitlines())
    made = with_device(before, SECOND, "station.yaml")
    assert f"\n{indent}- name: second\n{indent}  driver" in made.text


def test_windows_line_ends_stay() -> None:
    made = with_device(EMPTY.replace("\n", "\r\n"), SECOND, "station.yaml")
    assert made.text.count("\r\n") == made.text.count("\n")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "one entry below it"),
        ("limits:\n  - name: x", "one entry below it"),
        ("instruments:\n  name: x", "one entry below it"),
        (SECOND + SECOND.partition("\n")[2].replace("second", "third"), "not one instrument"),
        (SECOND + "data: elsewhere\n", "not one instrument"),
        (SECOND + "name: another bench\n", "not one instrument"),
        (SECOND.replace("second", "neware"), "twice"),
        (SECOND.replace("    driver: neware-bts\n", ""), "driver"),
        (SECOND.replace("tcp", "!!python/object tcp"), "tag"),
    ],
)  # fmt: skip
def test_what_is_not_one_entry_is_refused_with_the_reason(lines: str, told: str) -> None:
    with pytest.raises((UserInputError, UserFileError)) as refused:
        with_device(default_station_text(), lines, "station.yaml")
    assert isinstance(refused.value, LabctlError) and told in str(refused.value)


def test_a_list_in_one_line_is_left_to_a_person() -> None:
    before = EMPTY.replace("[]", "[{name: a, driver: x, resource: 'tcp://a:1'}]")
    with pytest.raises(UserInputError, match="by hand"):
        with_device(before, SECOND, "station.yaml")
