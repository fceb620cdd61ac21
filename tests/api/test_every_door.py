"""Every published operation, and the stream, refuses a forged Host, a forged Origin and a token that is not one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from starlette.types import Message

from labctl.api.messages import PREFIX
from labctl.api.server.app import api_routes
from labctl.api.server.stream import PATH
from labctl.model.person import Role
from labctl.testing.apibench import ApiBench

Play = Callable[..., None]
OPERATIONS = sorted((next(iter(route.methods or ())), route.path_format) for route in api_routes())
PLACES = [re.sub(r"\{\w+\}", "x", path) for _, path in OPERATIONS]
HOST = {"Host": "evil.example"}
ORIGIN = {"Origin": "https://evil.example"}
FORGED: dict[str, tuple[Role | None, dict[str, str], int]] = {
    "a forged Host": (Role.ADMIN, HOST, 403),
    "a Host like a name of ours": (Role.ADMIN, {"Host": "localhost.evil.example"}, 403),
    "a forged Origin": (Role.ADMIN, ORIGIN, 403),
    "an Origin of no page": (Role.ADMIN, {"Origin": "null"}, 403),
    "no token": (None, {}, 401),
    "a forged token": (None, {"Authorization": "Bearer lab_" + "0" * 43}, 401),
    "an empty token": (None, {"Authorization": "Bearer "}, 401),
    "a token of another scheme": (None, {"Authorization": "Basic YTpi"}, 401),
}


@pytest.mark.parametrize("forged", FORGED, ids=lambda name: name)
def test_no_operation_lets_a_forged_request_in(play: Play, forged: str) -> None:
    role, headers, status = FORGED[forged]

    async def scene(bench: ApiBench) -> None:
        before = (await bench.core.audit.verify()).entries
        async with bench.client(role, **headers) as client:
            for (method, _), place in zip(OPERATIONS, PLACES, strict=True):
                answer = await client.request(method, place, json={} if method == "POST" else None)
                assert answer.status_code in (status, 429), (method, place, answer.text)
                assert answer.status_code == status or role is None  # wrong tokens are slowed down
                assert not answer.headers.get("access-control-allow-origin")
                await bench.clock.link.sleep(1.0)
        assert (await bench.core.audit.verify()).entries == before

    play(scene)


def test_a_token_in_the_address_is_not_looked_at(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        token = bench.tokens[Role.ADMIN]
        async with bench.client(None) as client:
            for (method, _), place in zip(OPERATIONS, PLACES, strict=True):
                asked = {"token": token, "access_token": token}
                answer = await client.request(
                    method, place, params=asked, json={} if method == "POST" else None
                )
                assert answer.status_code == 401, (method, place)
                await bench.clock.link.sleep(1.0)

    play(scene)


@pytest.mark.parametrize("headers", [HOST, ORIGIN, {"Origin": "null"}, {"Host": "a, 127.0.0.1"}], ids=str)
def test_the_stream_does_not_open_for_a_forged_upgrade(play: Play, headers: dict[str, str]) -> None:
    async def scene(bench: ApiBench) -> None:
        told = await upgrade(bench, headers)
        assert [message["type"] for message in told] == ["websocket.close"]

    play(scene)


async def upgrade(bench: ApiBench, headers: dict[str, str]) -> list[Message]:
    """Ask for the stream as a browser does; returns what the station said."""
    told: list[Message] = []
    given = {"Host": "127.0.0.1", **headers}
    scope: dict[str, Any] = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": PATH,
        "raw_path": PATH.encode(), "query_string": b"", "root_path": "", "subprotocols": [],
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 7421), "state": {},
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        told.append(message)

    await bench.app(scope, receive, send)
    return told


HOSTILE = (
    "..", "../../etc/passwd", "..\\..\\x", "C:\\x", "a\x00b", "CON", "nul.txt", "AUX.", "x" * 300, "trailing.", "a/b",
    "\u202egnp.exe", "%2e%2e%2f",
)  # fmt: skip


def test_a_hostile_name_in_any_path_is_refused_and_makes_no_file(play: Play) -> None:
    taking = [(method, path) for method, path in OPERATIONS if "{" in path]
    assert len(taking) > 40

    async def scene(bench: ApiBench) -> None:
        before = {path for path in bench.folder.parent.rglob("*") if "station" not in path.parts}
        async with bench.client(Role.ADMIN) as client:
            for turn, (method, path) in enumerate(taking):
                for name in HOSTILE[turn % 3 :: 3]:
                    place = re.sub(r"\{\w+\}", quote(name, safe=""), path)
                    answer = await client.request(
                        method, place, json=body_of(path, name) if method == "POST" else None
                    )
                    assert 400 <= answer.status_code < 500, (method, path, name, answer.text)
                await bench.clock.link.sleep(2.0)
        assert {path for path in bench.folder.parent.rglob("*") if "station" not in path.parts} == before

    play(scene)


def body_of(path: str, name: str) -> dict[str, Any]:
    """Return a body with which the operation would be done, if its path named something."""
    act = path.rsplit("/", 1)[-1]
    bodies: dict[str, dict[str, Any]] = {
        "load": {"cell_id": name}, "ready": {"ready": True}, "reset": {"reason": "x", "confirm": name},
        "set": {"setpoint_degC": 25.0}, "move": {"before": name}, "priority": {"priority": 1},
        "edit": {"changes": {"priority": 1}}, "note": {"text": name},
        "revise": {"protocol_text": name, "reason": "x"}, "add-cycles": {"cycles": 1},
        "{cell_id}": {"cell": {"cell_id": name, "name": name, "kind": "symmetric"}, "reason": "x"},
        "{electrode_id}": {"electrode": {"electrode_id": name}, "reason": "x"},
        "{batch_id}": {"batch": {"batch_id": name}, "reason": "x"},
    }  # fmt: skip
    return bodies.get(act, {})


def test_paths_with_prefix_are_what_is_tested() -> None:
    assert all(place.startswith(PREFIX) for place in PLACES) and len(set(OPERATIONS)) == len(OPERATIONS)
