"""The status page: one file without data, which no other page can use and which sets text only as text (X17)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from labctl.api.messages import PREFIX
from labctl.api.server.page import page_bytes, policy
from labctl.model.person import Role
from labctl.testing.apibench import ApiBench

Play = Callable[..., None]
TEXT = page_bytes().decode()
(SCRIPT,) = re.findall(r"<script>(.*?)</script>", TEXT, re.DOTALL)


def test_the_page_is_there_without_a_token_and_holds_nothing_of_the_station(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(None) as client:
            answer = await client.get("/")
            assert answer.status_code == 200 and answer.content == page_bytes()
            assert "fake bench" not in answer.text and "neware" not in answer.text
            assert (await client.get("/", params={"token": bench.tokens[Role.VIEW]})).content == page_bytes()
            assert (await client.post("/", json={})).status_code == 401
            for path in ("/index.html", "/status.html", "/static/x", "/%2e%2e/etc/passwd"):
                assert (await client.get(path)).status_code in (401, 404), path

    play(scene)


def test_the_policy_lets_nothing_in_but_the_pages_own_script_and_style(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with bench.client(None) as client:
            headers = (await client.get("/")).headers
        assert headers["content-security-policy"] == policy()
        assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"

    play(scene)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy()
    assert "default-src 'none'" in policy() and "unsafe" not in policy() and "*" not in policy()


def test_the_page_loads_nothing_from_anywhere_and_keeps_no_token() -> None:
    assert not re.findall(r"(?:src|href|action)\s*=", TEXT)
    outside = set(re.findall(r"https?://[^\"'`\s]+", TEXT))
    assert outside == {"http://www.w3.org/2000/svg"}  # a name, not an address
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                 "localStorage", "sessionStorage", "document.cookie", "indexedDB", "style=", "onclick="):  # fmt: skip
        assert word not in TEXT, word


def test_it_is_made_for_phones_and_for_dark_rooms() -> None:
    assert 'name="viewport" content="width=device-width' in TEXT
    assert "prefers-color-scheme: dark" in TEXT


def test_the_sparkline_of_a_run_needs_a_token_and_is_short(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        path = f"{PREFIX}/runs/20260101T000000-C1/sparkline"
        async with bench.client(None) as stranger, bench.client(Role.VIEW) as viewer:
            assert (await stranger.get(path)).status_code == 401
            told = (await viewer.get(path, params={"points": 50})).json()
            assert len(told["voltage_V"]) == 50
            assert (await viewer.get(path, params={"points": 10**9})).status_code == 422

    play(scene)


FRAMES: list[dict[str, Any]] = [
    {"snapshot": {"epoch": "e", "number": 3, "state": [
        {"number": 1, "topic": "channel", "key": "n:1-10", "data": {"run_id": "r"}},
        {"number": 2, "topic": "channel", "key": "n:1-2", "data": {"run_id": ""}},
        {"number": 3, "topic": "alarm", "key": "b", "data": {"key": "b", "priority": "low", "state": "unack"}}]}},
    {"deltas": [
        {"number": 4, "topic": "alarm", "key": "a", "data": {"key": "a", "priority": "critical", "state": "acked"}},
        {"number": 5, "topic": "alarm", "key": "c", "data": {"key": "c", "priority": "high", "state": "shelved"}},
        {"number": 6, "topic": "channel", "key": "n:1-3", "data": None},
        {"number": 7, "topic": "station", "key": "info",
         "data": {"virtual": True, "plant_utc": "1970-01-01T02:00:00Z"}},
        {"number": 8, "topic": "unheard-of", "key": "x", "data": {}}], "number": 8},
]  # fmt: skip
CHECK = """
const AGES = [{ seen_utc: "1970-01-01T00:09:30+00:00" }, { seen_utc: "1970-01-01T00:05:00+00:00" }, { seen_utc: "" }];
const model = newModel();
for (const frame of FRAMES) take(model, frame);
console.log(JSON.stringify({
  number: model.number, channels: counted(model.state.channel), alarms: urgent(model.state.alarm).map((a) => a.key),
  now: benchTime(model), flat: sparkline([1, 1, 1]),
  gap: sparkline([0, 1, null, 1, 0]), none: sparkline([null, null, 2]),
  amps: [quantity(1e-3, "A"), quantity(-2e-6, "A"), quantity(null, "V"), quantity(3.7, "V")],
  zero: [quantity(-1e-9, "A"), quantity(-4e-4, "V")], text: pretty("1 mA/cm^2, 3 cm2 of C2"),
  spans: [span(-3), span(99), span(3600), span(7200), span(1.4e6)], ages: AGES.map((at) => age(at, 600000, 10)),
  ends: [finish(null), finish({end_utc: "2026-01-02T00:00:00+00:00", low_utc: "2026-01-01T23:00:00+00:00",
                               high_utc: "2026-01-02T01:00:00+00:00"}).includes("± 60 min")]}));
"""


def test_the_pages_own_logic_where_a_javascript_engine_is_at_hand() -> None:
    node = shutil.which("node")
    if node is None:
        return  # the page needs no build step, so no engine is asked for; the other tests read the file
    program = f"const FRAMES = {json.dumps(FRAMES)};\n{SCRIPT}\n{CHECK}"
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True, timeout=60)
    told = json.loads(done.stdout)
    assert told["zero"] == ["0.000 mA", "0.000 V"] and told["text"] == "1 mA/cm², 3 cm² of C2"
    assert told["spans"] == ["0 s", "99 s", "60 min", "2 h", "16 d 5 h"]
    assert [at["old"] for at in told["ages"]] == [False, True, False]
    assert told["ages"][1]["text"] == "read 5 min ago" and told["ages"][2]["text"] == "never read"
    assert told["now"] == 7_200_000
    assert told["number"] == 8
    assert told["channels"] == ["n:1-2", "n:1-10"]
    assert told["alarms"] == ["a", "b"]
    assert told["flat"] == "M0.0 28.0L50.0 28.0L100.0 28.0"
    assert told["gap"] == "M0.0 28.0L25.0 2.0M75.0 2.0L100.0 28.0" and told["none"] == ""
    assert told["amps"] == ["1.000 mA", "\u22122.0 µA", "–", "3.700 V"]
    assert told["ends"] == ["", True]
