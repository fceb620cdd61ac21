"""Forged and hostile requests never reach a route (X02 to X04, F37, F43)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from labctl.api.messages import PREFIX
from labctl.api.server.app import api_routes, make_app
from labctl.api.server.openapi import role_needed
from labctl.model.person import Role
from labctl.testing.apibench import ApiBench

Play = Callable[..., None]
CELL = {"cell": {"cell_id": "C1", "name": "one", "kind": "symmetric", "area_cm2": 1.0}}


def some_path(route: APIRoute) -> str:
    for name, value in {
        "run_id": "20260101T000000-C1", "channel": "neware:1-1", "name": "x", "cell_id": "C1", "job_id": "j-1",
        "electrode_id": "E1", "batch_id": "B1", "key": "a:b",
    }.items():  # fmt: skip
        if "{" + name + "}" in route.path_format:
            return route.path_format.replace("{" + name + "}", value)
    return route.path_format


def test_no_route_answers_without_a_token_or_with_a_wrong_one(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        right = bench.tokens[Role.ADMIN]
        wrong = ["", "Bearer", "Bearer ", f"Basic {right}", right, f"Bearer {right}x", f"Bearer {right[:-1]}",
                 f"Bearer {right.swapcase()}", "Bearer \x00", f"Bearer {right},{right}"]  # fmt: skip
        assert len(api_routes()) > 70
        for route in api_routes():
            await bench.clock.link.sleep(10)
            for method in route.methods or ():
                body = b"{}" if method == "POST" else b""
                kind = {"Content-Type": "application/json"}
                async with bench.client(None, **kind) as client:
                    answer = await client.request(method, some_path(route), content=body)
                    assert (answer.status_code, route.path) == (401, route.path)
                    in_url = await client.request(method, f"{some_path(route)}?token={right}", content=body)
                    assert in_url.status_code == 401
        for header in wrong:
            await bench.clock.link.sleep(10)
            async with bench.client(None, Authorization=header) as client:
                assert (await client.get(f"{PREFIX}/hello")).status_code == 401, header

    play(scene)


def test_two_authorization_headers_are_a_trick(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        both = [("Authorization", f"Bearer {bench.tokens[role]}") for role in (Role.VIEW, Role.ADMIN)]
        async with bench.client(None) as client:
            assert (await client.get(f"{PREFIX}/hello", headers=both)).status_code == 401

    play(scene)


def test_every_route_asks_for_a_role_and_no_change_is_a_viewers(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        harmless = {f"{PREFIX}/protocols/check"}
        for route in api_routes():
            role = role_needed(route)
            assert route.methods == {"POST"} or (route.methods == {"GET"} and role is Role.VIEW), route.path
            if route.methods == {"POST"} and route.path not in harmless:
                assert role.may(Role.OPERATE), route.path
        by_path = {route.path: role_needed(route) for route in api_routes() if route.methods == {"POST"}}
        assert by_path[f"{PREFIX}/people"] is Role.ADMIN
        assert by_path[f"{PREFIX}/channels/{{channel}}/reset"] is Role.CONFIGURE

    play(scene)


def test_a_role_that_is_too_low_is_refused_on_every_route_before_anything_is_read(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        for route in api_routes():
            needed = role_needed(route)
            for role in Role:
                if role.may(needed):
                    continue
                await bench.clock.link.sleep(1)
                async with bench.client(role) as client:
                    answer = await client.post(some_path(route), json={})
                    assert (answer.status_code, route.path) == (403, route.path)
                    assert needed.value in answer.json()["error"]

    play(scene)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7421", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example",
     "[::1", "[::1]x", "", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1 evil", "localhost/", "LOCALHOST:99999", "0.0.0.0",
     "127.1", "2130706433", "127.0.0.1, evil.example"],
)  # fmt: skip
def test_a_foreign_host_header_is_refused_also_with_a_good_token_and_no_origin(play: Play, host: str) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.ADMIN, Host=host) as client:
            for path in ("/", f"{PREFIX}/hello", f"{PREFIX}/nothing"):
                assert (await client.get(path)).status_code == 403, path
            assert (await client.post(f"{PREFIX}/stop-all", json={})).status_code == 403
        assert not bench.core.stopped.active

    play(scene)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:7421", "localhost:1", "[::1]:7421", "[::1]", "LocalHost"]
)
def test_the_names_of_this_computer_are_answered(play: Play, host: str) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.VIEW, Host=host) as client:
            assert (await client.get(f"{PREFIX}/hello")).status_code == 200
            same = await client.get(f"{PREFIX}/hello", headers={"Origin": f"http://{host.lower()}"})
            assert same.status_code == 200

    play(scene)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:8080", "http://localhost", "file://",
     "http://127.0.0.1.evil.example", "127.0.0.1", ""],
)  # fmt: skip
def test_a_page_of_another_origin_is_refused(play: Play, origin: str) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.ADMIN, Origin=origin) as client:
            assert (await client.get(f"{PREFIX}/hello")).status_code == 403
            assert (await client.post(f"{PREFIX}/stop-all", json={"reason": "x"})).status_code == 403
        assert not bench.core.stopped.active

    play(scene)


def test_no_answer_ever_allows_another_origin(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client() as client:
            for path in ("/", f"{PREFIX}/hello", f"{PREFIX}/nothing"):
                answer = await client.get(path)
                assert not [name for name in answer.headers if name.startswith("access-control")]
                assert "set-cookie" not in answer.headers
            preflight = await client.request("OPTIONS", f"{PREFIX}/stop-all")
            assert preflight.status_code == 405

    play(scene)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_no_other_method_is_known(play: Play, method: str) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client() as client:
            assert (await client.request(method, f"{PREFIX}/jobs")).status_code == 405

    play(scene)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_a_change_that_a_plain_form_could_send_is_refused(play: Play, kind: str) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.ADMIN, **{"Content-Type": kind}) as client:
            answer = await client.post(f"{PREFIX}/stop-all", content=json.dumps({"reason": "x"}))
            assert answer.status_code == 415
        assert not bench.core.stopped.active

    play(scene)


TOWER = b"[" * 100_000
HOSTILE: dict[str, tuple[bytes, int]] = {
    "a tower of brackets": (b'{"reason": ' + TOWER, 400),
    "a tower of objects": (b'{"a":' * 40 + b"1" + b"}" * 40, 400),
    "no json": (b'{"reason"', 400),
    "not text": (b"\xff\xfe\x00", 400),
    "NaN": (b'{"reason": NaN}', 400),
    "infinity": (b'{"reason": -Infinity}', 400),
    "a number beyond a float": (b'{"reason": 1e999}', 400),
    "a number beyond 64 bits": (b'{"reason": ' + b"9" * 30 + b"}", 400),
    "a number of 10,000 digits": (b'{"reason": ' + b"9" * 10_000 + b"}", 400),
    "half a surrogate pair": (b'{"reason": "\\ud800"}', 400),
    "half a surrogate pair as a key": (b'{"\\udfff": 1}', 400),
    "NUL": (b'{"reason": "a\\u0000b"}', 400),
    "a list": (b"[]", 422),
    "a word": (b'"stop"', 422),
    "an unknown key": (b'{"reason": "x", "reson": "y"}', 422),
    "a wrong type": (b'{"reason": {"a": 1}}', 422),
    "a long text": (b'{"reason": "' + b"x" * 70_000 + b'"}', 413),
    "a long body": (b'{"reason": "' + b" " * 1_100_000 + b'"}', 413),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_in_words_and_does_nothing(play: Play, name: str) -> None:
    body, status = HOSTILE[name]

    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.ADMIN, **{"Content-Type": "application/json"}) as client:
            answer = await client.post(f"{PREFIX}/stop-all", content=body)
            assert answer.status_code == status, answer.text
            assert answer.json()["error"] and "xxxx" not in answer.text
        assert not bench.core.stopped.active

    play(scene)


def test_a_body_that_never_ends_is_cut_off_without_being_kept(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        sent = 0

        async def endless() -> Any:
            nonlocal sent
            while True:
                sent += 1
                yield b" " * 10_000

        async with bench.client(Role.ADMIN, **{"Content-Type": "application/json"}) as client:
            answer = await client.post(f"{PREFIX}/stop-all", content=endless())
        assert answer.status_code == 413
        assert sent <= 102

    play(scene)


def test_fifty_calls_a_second_are_answered_and_one_client_does_not_slow_another(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.VIEW) as client, bench.client(Role.OPERATE) as other:
            codes = [(await client.get(f"{PREFIX}/hello")).status_code for _ in range(150)]
            assert codes[:100] == [200] * 100 and codes[-1] == 429
            assert (await other.get(f"{PREFIX}/hello")).status_code == 200
            await bench.clock.link.sleep(1.0)
            codes = [(await client.get(f"{PREFIX}/hello")).status_code for _ in range(60)]
            assert codes.count(200) == 50

    play(scene)


def test_stop_all_is_heard_however_often_the_same_client_has_called(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.OPERATE) as client:
            codes = [(await client.get(f"{PREFIX}/hello")).status_code for _ in range(120)]
            assert codes[-1] == 429
            for run in ("run-1", "run-2"):  # there is none; what counts is that the wish is heard
                assert (await client.post(f"{PREFIX}/runs/{run}/stop", json={})).status_code == 404
                assert (await client.post(f"{PREFIX}/runs/{run}/pause", json={})).status_code == 429
            assert (await client.post(f"{PREFIX}/stop-all", json={"reason": "smoke"})).status_code == 200
        assert bench.core.stopped.active

    play(scene)


def test_who_guesses_tokens_is_slowed_and_who_has_one_is_not(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(None, Authorization="Bearer lab_guess") as stranger, bench.client() as friend:
            codes = [(await stranger.get(f"{PREFIX}/hello")).status_code for _ in range(40)]
            assert codes[0] == 401 and codes[-1] == 429
            assert (await friend.get(f"{PREFIX}/hello")).status_code == 200

    play(scene)


def test_the_same_key_does_a_thing_once_and_answers_twice(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client() as client:
            await client.post(f"{PREFIX}/cells", json=CELL)
            body = {"jobs": [{"cell_id": "C1", "protocol": "rest"}]}
            again = [
                await client.post(f"{PREFIX}/jobs", json=body, headers={"Idempotency-Key": "k1"})
                for _ in range(3)
            ]
            assert [answer.json() for answer in again] == [again[0].json()] * 3
            assert again[2].headers["idempotent-replay"] == "true"
            assert len((await client.get(f"{PREFIX}/jobs")).json()) == 1
            other = await client.post(f"{PREFIX}/jobs", json={"jobs": []}, headers={"Idempotency-Key": "k1"})
            assert other.status_code == 409

    play(scene)


def test_a_double_click_that_overtakes_itself_still_queues_once(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client() as client:
            await client.post(f"{PREFIX}/cells", json=CELL)
            body = {"jobs": [{"cell_id": "C1", "protocol": "rest"}]}
            key = {"Idempotency-Key": "k2"}
            both = await asyncio.gather(
                *(client.post(f"{PREFIX}/jobs", json=body, headers=key) for _ in range(5))
            )
            assert {answer.status_code for answer in both} == {200}
            assert len({answer.text for answer in both}) == 1
            assert len(bench.core.queue.jobs()) == 1

    play(scene)


def test_a_key_belongs_to_one_person(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.ADMIN) as one, bench.client(Role.OPERATE) as other:
            await one.post(f"{PREFIX}/cells", json=CELL)
            body = {"jobs": [{"cell_id": "C1", "protocol": "rest"}]}
            for client in (one, other):
                await client.post(f"{PREFIX}/jobs", json=body, headers={"Idempotency-Key": "k"})
            assert [job.submitted_by for job in bench.core.queue.jobs()] == ["admin person", "operate person"]

    play(scene)


def test_two_operators_on_one_job_the_second_learns_who_was_first(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(Role.OPERATE) as client:
            await client.post(f"{PREFIX}/cells", json=CELL)
            await client.post(f"{PREFIX}/jobs", json={"jobs": [{"cell_id": "C1", "protocol": "rest"}]})
            first, second = [
                await client.post(f"{PREFIX}/jobs/j-1/hold", json={"version": 1, "reason": "look"})
                for _ in range(2)
            ]
            assert first.status_code == 200 and first.json()["state"] == "held"
            assert second.status_code == 409 and "already done by" in second.json()["error"]

    play(scene)


def test_a_bug_is_kept_in_a_scrubbed_file_and_its_insides_go_nowhere(play: Play, tmp_path: Path) -> None:
    async def scene(bench: ApiBench) -> None:
        token = bench.tokens[Role.ADMIN]

        def broken() -> None:
            raise RuntimeError(f"secret insides {token}\x1b[2J")

        bench.core.info = broken  # type: ignore[method-assign, assignment]
        async with bench.client() as client:
            answer = await client.get(f"{PREFIX}/station")
        assert answer.status_code == 500 and "insides" not in answer.text
        (report,) = (bench.folder / "station").glob("crash-*.txt")
        text = report.read_text(encoding="utf-8")
        assert "secret insides <token>" in text and token not in text and "\x1b" not in text

    play(scene)


def test_a_listening_station_answers_to_the_names_in_its_file_alone(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        core: Any = bench.core
        bench.app = make_app(core, hosts=["Bench-PC.lab.example"], secure=True)
        for host, origin, status in (
            ("bench-pc.lab.example:7421", "https://bench-pc.lab.example:7421", 200),
            ("bench-pc.lab.example:7421", "http://bench-pc.lab.example:7421", 403),
            ("bench-pc.lab.example:7421", "https://bench-pc.lab.example", 403),
            ("other.lab.example", "https://other.lab.example", 403),
        ):
            async with bench.client(Role.VIEW, Host=host, Origin=origin) as client:
                assert (await client.get(f"{PREFIX}/hello")).status_code == status, (host, origin)

    play(scene)


def test_the_owners_programs_say_who_sits_before_them(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        name = "Zoë 李".encode()
        async with bench.client(Role.ADMIN) as client:
            done = await client.post(
                f"{PREFIX}/stop-all", json={"reason": "x"}, headers=[(b"X-Labctl-Person", name)]
            )
            assert done.json()["by"] == "Zoë 李"
            for odd in ("station", "a/b", "\x7f", " ", "a" * 100):
                bad = await client.get(f"{PREFIX}/hello", headers={"X-Labctl-Person": odd})
                assert bad.status_code in (422, 200) and (odd.strip() == "" or bad.status_code == 422), odd
        async with bench.client(Role.OPERATE, **{"X-Labctl-Person": "Anna"}) as client:
            assert (await client.post(f"{PREFIX}/stop-all", json={})).status_code == 403
        entry = (await bench.core.audit.newest())[-1]
        assert entry.who == "Zoë 李" and "admin person" in entry.source

    play(scene)
