"""docs/alarms.md as a promise: its station files are read, its table is the station's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labctl.config.station import parse_station
from labctl.config.template import STATION_TEXT
from labctl.station.alarmtable import BY_FINDING, DEFINITIONS

PAGE = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
SOURCES = [
    path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[2] / "labctl").rglob("*.py"))
    if path.name != "alarmtable.py" and not {"testing", "gui"} & set(path.parts)
]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_station_file_of_the_page_is_read(text: str) -> None:
    assert parse_station(text) != parse_station("labctl: station/1\n")


def test_the_commented_parts_of_the_template_are_read_when_somebody_uncomments_them() -> None:
    part = STATION_TEXT[STATION_TEXT.index("\nlimits: {}") :].replace("limits: {}", "limits:").splitlines()
    lines = [line[4:] if line.startswith("  # ") else line.removeprefix("# ") for line in part]
    keys = ("limits:", "classes:", "notify:", "api:", " ", '"neware')
    body = "\n".join(
        f"  {line}" if line.startswith('"neware') or was.startswith("  #   ") else line
        for line, was in zip(lines, part, strict=True)
        if line.startswith(keys)
    )
    head = "labctl: station/1\ninstruments:\n  - {name: neware, driver: neware-bts, resource: tcp://127.0.0.1:502}\n"
    station = parse_station(head + body)
    assert station.limits and station.notify.people and station.classes["lfp_li"].rate_max_C


def test_every_alarm_stands_on_the_page_as_the_station_knows_it() -> None:
    for known in DEFINITIONS.values():
        row = next((line for line in PAGE.splitlines() if line.startswith(f"| `{known.id}` |")), "")
        for text in (known.priority.upper(), known.title, known.cause, known.consequence, known.what_to_do):
            assert text in row, f"{known.id}: the page does not say {text!r}"
        assert known.title_zh in row and known.what_to_do_zh in row
    listed = re.findall(r"^\| `([a-z_.]+)` \|", PAGE, flags=re.MULTILINE)
    assert sorted(listed) == sorted(DEFINITIONS)


def _is_raised(alarm: str) -> bool:
    """Tell whether the sources name an alarm, a finding that becomes it, or make its name from its first part."""
    names = {alarm, *(finding for finding, became in BY_FINDING.items() if became == alarm)}
    made = f'f"{alarm.partition(".")[0]}.{{'
    return any(made in text or any(f'"{name}"' in text for name in names) for text in SOURCES)


def test_the_page_says_which_alarms_nothing_raises() -> None:
    """A person must not rely on a row of the table that never comes."""
    (told,) = re.findall(
        r"^\*\*Nothing raises these yet\*\*: ([^:]+?)\.$", PAGE, flags=re.MULTILINE | re.DOTALL
    )
    assert sorted(re.findall(r"`([a-z_.]+)`", told)) == sorted(at for at in DEFINITIONS if not _is_raised(at))
