"""No name that a client sends ever becomes a path outside the store: POSIX and Windows rules alike (X07, F38)."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.api.messages import PREFIX
from labctl.model.person import Role
from labctl.store import names
from labctl.testing.apibench import ApiBench, play_api

Play = Callable[..., None]
HOSTILE = [
    "..", "../..", "../../etc/passwd", "..\\..\\windows", "/etc/passwd", "C:\\x", "C:x", "\\\\server\\share", "a/b",
    "a\\b", "a\x00b", "\x00", "CON", "con", "nul.txt", "COM1", "LPT9.log", "AUX.", "trailing.", "trailing ", " leading",
    ".", "...", "a" * 300, "\u202egnp.exe", "😀", "ä" * 130, "a:b", "a*b", "a?b", "<a>", "a|b", "~", "$HOME",
    "%2e%2e%2f", "-rf", "a\nb", "\x1b[2J", "\u2028", "e\u0301", "CON\u200b", "file:///etc/passwd", "{x}", "${x}",
    "%s", "",
]  # fmt: skip
ALLOWED = ("data/station/", "data/cells.jsonl", "data/labctl.sqlite")


def left_behind(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def is_portable(path: str) -> bool:
    """Tell whether Windows could make this path, too: no reserved name, sign, dot or space at an end."""
    return all(
        not PureWindowsPath(part).is_reserved()
        and not part.endswith((".", " "))
        and not any(sign in part or ord(sign) < 32 for sign in '<>:"|?*\\')
        for part in path.split("/")
    )


@pytest.mark.parametrize("part", range(4))
def test_a_hostile_name_is_refused_or_kept_as_data_and_nothing_is_made_outside(
    play: Play, tmp_path: Path, part: int
) -> None:
    async def scene(bench: ApiBench) -> None:
        before = left_behind(tmp_path)
        async with bench.client(Role.ADMIN) as client:
            for name in HOSTILE[part::4]:
                for path, body in bodies(name):
                    answer = await client.post(PREFIX + path, json=body)
                    assert answer.status_code < 500, (path, name, answer.text)
                for path in PATHS:
                    answer = await client.get(PREFIX + path.format(quote(name, safe="")))
                    assert answer.status_code in (200, 404, 422), (path, name, answer.text)
                await bench.clock.link.sleep(2.0)
        made = left_behind(tmp_path) - before
        assert all(path.startswith(ALLOWED) for path in made), made
        assert all(is_portable(path) for path in made)
        assert (await bench.core.audit.verify()).ok

    play(scene)


PATHS = (
    "/runs/{}", "/runs/{}/records", "/runs/{}/events", "/cells/{}", "/protocols/{}", "/jobs/{}", "/channels/{}",
    "/electrodes/{}", "/batches/{}", "/runs/{}/sparkline",
)  # fmt: skip


def bodies(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every request that takes a name from a client."""
    text = base64.b64encode(b"cell_id,name,kind\n" + name.encode() + b",x,symmetric\n").decode()
    return [
        ("/cells", {"cell": {"cell_id": name, "name": name, "kind": "symmetric", "notes": name}}),
        ("/cells", {"cell": {"cell_id": "C9", "name": name, "kind": "symmetric", "batch": name}}),
        ("/electrodes", {"electrode": {"electrode_id": name, "parent": name}}),
        ("/batches", {"batch": {"batch_id": name, "name": name}}),
        ("/cells/import", {"name": name, "content_base64": text}),
        ("/people", {"name": name, "role": "view"}),
        ("/channels/neware:1-1/load", {"cell_id": name}),
        ("/jobs", {"jobs": [{"cell_id": name, "protocol": name, "label": name, "campaign": name}]}),
        ("/jobs/campaign", {"text": name, "name": name, "files": {name: name}}),
        ("/jobs/table", {"name": name, "content_base64": text}),
        ("/protocols/check", {"text": name, "cell_id": name, "channel": name}),
        ("/stop-all", {"reason": name}),
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=320))
def test_an_id_that_may_name_a_folder_is_safe_on_every_system(name: str) -> None:
    if names.is_safe_id(name):
        assert is_portable(name) and "/" not in name and len(name) <= 120 and name.isascii()


def test_no_fuzzed_id_of_a_cell_leaves_the_folder(tmp_path: Path) -> None:
    @settings(max_examples=5, deadline=None)
    @given(st.lists(st.text(max_size=60), min_size=12, max_size=12))
    def tried(ids: list[str]) -> None:
        async def scene(bench: ApiBench) -> None:
            async with bench.client() as client:
                for cell_id in ids:
                    body = {"cell": {"cell_id": cell_id, "name": "x", "kind": "symmetric"}}
                    assert (await client.post(f"{PREFIX}/cells", json=body)).status_code < 500

        folder = tmp_path / f"data-{next(count)}"
        play_api(scene, folder)
        assert all(is_portable(path) for path in left_behind(folder))

    count = itertools.count(1)
    tried()
    assert all(path.name.startswith("data-") for path in tmp_path.iterdir())
