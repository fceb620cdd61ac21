"""The stream: numbered deltas that resume, live rows as Arrow; clients slow, forged or revoked (F23, F36)."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.api.messages import PREFIX, Endpoint
from labctl.api.server.arrow import columns_stream
from labctl.api.server.stream import BLOCKS_PER_FRAME, NAMED_MAX, frames
from labctl.clock import ClockMode
from labctl.model.ids import RunId
from labctl.model.person import STATION, Role
from labctl.model.record import RECORD_COLUMNS, RecordBlock
from labctl.station.rowshub import BLOCKS_KEPT
from labctl.testing.apibench import ApiBench, served
from labctl.testing.fakecore import EPOCH, some_rows

Play = Callable[..., None]
RUN = RunId("20260101T000000-C1")


def unpacked(frame: bytes) -> tuple[dict[str, Any], pa.Table]:
    (length,) = struct.unpack_from("<I", frame)
    header = json.loads(frame[4 : 4 + length])
    with pa.ipc.open_stream(io.BytesIO(frame[4 + length :])) as reader:
        return header, reader.read_all()


def joined(endpoint: Endpoint, **headers: str) -> AbstractAsyncContextManager[Any]:
    url = endpoint.url.replace("http", "ws") + f"{PREFIX}/stream"
    return websockets.connect(url, compression=None, additional_headers=headers, proxy=None)


async def said(socket: Any) -> dict[str, Any]:
    message = await socket.recv()
    assert isinstance(message, str)
    found: dict[str, Any] = json.loads(message)
    return found


def first(bench: ApiBench, role: Role = Role.VIEW, **more: Any) -> str:
    return json.dumps({"token": bench.tokens[role], **more})


# -- the form of frames ----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8), st.integers(0, 30))
def test_any_cut_of_rows_comes_back_as_the_same_rows(sizes: list[int], start: int) -> None:
    rows = some_rows().rows(start)
    blocks, at = [], 0
    for size in sizes:
        blocks.append((str(RUN), rows.rows(at, at + size), size % 3 == 0))
        at += size
    tables = [unpacked(frame) for frame in frames(blocks)]
    got = [(header["first"], header["last"], table.num_rows) for header, table in tables]
    assert all(last - begin + 1 == count for begin, last, count in got)
    sent = (
        RecordBlock.joined([block for _, block, _ in blocks]) if blocks else RecordBlock.empty(RECORD_COLUMNS)
    )
    for name, dtype in RECORD_COLUMNS.items():
        arrived = [table[name].to_numpy() for _, table in tables]
        column = np.concatenate(arrived) if arrived else np.empty(0, dtype)
        assert column.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(column, sent[name])


def test_blocks_that_wait_together_share_a_frame_and_runs_never_do() -> None:
    block = some_rows().rows(0, 5)
    many = [("a", block, False)] * (BLOCKS_PER_FRAME + 3) + [("b", block, False)] + [("a", block, False)]
    headers = [unpacked(frame)[0] for frame in frames(many)]
    assert [(header["run_id"], header["batches"]) for header in headers] == [
        ("a", BLOCKS_PER_FRAME), ("a", 4), ("b", 1),
    ]  # fmt: skip


def test_rows_after_an_outage_have_frames_of_their_own() -> None:
    block = some_rows().rows(0, 5)
    marks = [False, True, True, False]
    headers = [unpacked(frame)[0] for frame in frames([("a", block, mark) for mark in marks])]
    assert [(header["backfilled"], header["batches"]) for header in headers] == [
        (False, 1), (True, 2), (False, 1),
    ]  # fmt: skip


def test_a_gap_in_the_data_stays_a_gap_nan_stays_nan() -> None:
    rows = some_rows().rows(0, 3)
    columns = {**rows.columns, "voltage_volt": np.array([np.nan, -0.0, np.inf])}
    (frame,) = frames([("a", RecordBlock(columns), False)])
    arrived = unpacked(frame)[1]["voltage_volt"].to_numpy()
    assert arrived.tobytes() == columns["voltage_volt"].tobytes()


def test_columns_of_any_layout_and_clock_texts_become_a_stream() -> None:
    strided = np.arange(10.0)[::2]
    data = columns_stream({"x": strided, "device_clock": np.array([b"2026-01-01 00:00:00"] * 5)})
    table = pa.ipc.open_stream(data).read_all()
    assert table["x"].to_pylist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert table["device_clock"][0].as_py() == "2026-01-01 00:00:00"


# -- joining ---------------------------------------------------------------------------------------------------------


def test_a_client_gets_a_snapshot_then_deltas_and_resumes_where_it_left(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint:
            async with joined(endpoint) as socket:
                await socket.send(first(bench))
                hello = (await said(socket))["hello"]
                assert hello["epoch"] == EPOCH and hello["person"] == "view person"
                snapshot = (await said(socket))["snapshot"]
                assert {delta["topic"] for delta in snapshot["state"]} >= {"channel", "station"}
                bench.core.feed.publish("job", "j-1", {"state": "waiting"})
                deltas = await said(socket)
                assert deltas["deltas"][0]["key"] == "j-1"
            bench.core.feed.publish("job", "j-2", {"state": "waiting"})
            async with joined(endpoint) as socket:
                await socket.send(first(bench, after=deltas["number"], epoch=EPOCH))
                await said(socket)
                assert [delta["key"] for delta in (await said(socket))["deltas"]] == ["j-2"]
            async with joined(endpoint) as socket:
                await socket.send(first(bench, after=deltas["number"], epoch="another life"))
                await said(socket)
                assert "snapshot" in await said(socket)

    play(scene, ClockMode.REAL)


def test_topics_and_rows_come_as_they_were_asked_for(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint, joined(endpoint) as socket:
            await socket.send(first(bench, topics=["alarm"], runs=[RUN]))
            await said(socket)
            assert (await said(socket))["snapshot"]["state"] == []
            rows = bench.core.runs.rows
            bench.core.feed.publish("job", "j-1", {})
            bench.core.runs.hub.publish("another run", rows)
            for begin in range(0, 90, 30):
                bench.core.runs.hub.publish(RUN, rows.rows(begin, begin + 30))
            header, table = unpacked(await socket.recv())
            assert header == {"run_id": RUN, "first": 1, "last": 90, "batches": 3, "backfilled": False}
            np.testing.assert_array_equal(table["voltage_volt"].to_numpy(), rows["voltage_volt"][:90])
            bench.core.feed.publish("alarm", "a:b", {})
            assert (await said(socket))["deltas"][0]["topic"] == "alarm"

    play(scene, ClockMode.REAL)


def test_rows_come_of_the_last_of_as_many_runs_as_can_be_named(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        names = [f"20260101T000000-{'C' * 60}-{number:04d}" for number in range(NAMED_MAX)]
        async with served(bench) as endpoint, joined(endpoint) as socket, joined(endpoint) as other:
            await socket.send(first(bench, topics=["none"], runs=names))
            await said(socket), await said(socket)
            bench.core.runs.hub.publish(names[-1], bench.core.runs.rows.rows(0, 30))
            header, _ = unpacked(await socket.recv())
            assert header["run_id"] == names[-1]
            await other.send(first(bench, runs=[*names, RUN]))
            with pytest.raises(websockets.ConnectionClosed, match="at most"):
                await other.recv()

    play(scene, ClockMode.REAL)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{}", 4400), ("[]", 4400), ("not json", 4400), ('{"token": 5}', 4400), ('{"token": "x", "extra": 1}', 4400),
        ('{"token": "lab_wrong"}', 4401), ('{"token": ""}', 4401), (b"\x00\x01", 4400), ("[" * 5000, 4400),
    ],
)  # fmt: skip
def test_a_first_message_that_is_no_wish_or_has_no_token_ends_the_stream(
    play: Play, message: str | bytes, code: int
) -> None:
    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint, joined(endpoint) as socket:
            await socket.send(message)
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == code

    play(scene, ClockMode.REAL)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Host": "evil.example"},
    ],
)
def test_an_upgrade_with_a_forged_host_or_origin_is_refused(play: Play, headers: dict[str, str]) -> None:
    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint:
            with pytest.raises((websockets.InvalidStatus, websockets.InvalidMessage)):
                async with joined(endpoint, **headers):
                    pass

    play(scene, ClockMode.REAL)


def test_a_revoked_token_ends_the_streams_that_it_opened(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labctl.api.server.stream.RECHECK_S", 0.05)

    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint, joined(endpoint) as socket:
            await socket.send(first(bench, topics=["none"]))
            await said(socket), await said(socket)
            await bench.core.people.revoke(STATION, "view person")
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4401

    play(scene, ClockMode.REAL)


def test_who_says_a_second_thing_on_a_stream_is_shown_out(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint, joined(endpoint) as socket:
            await socket.send(first(bench, topics=["none"]))
            await said(socket), await said(socket)
            await socket.send("more")
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4400

    play(scene, ClockMode.REAL)


def test_a_client_that_does_not_read_loses_rows_is_told_and_holds_up_nobody(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        rows = bench.core.runs.rows.rows(0, 100)
        async with served(bench) as endpoint, joined(endpoint) as slow, joined(endpoint) as quick:
            for socket in (slow, quick):
                await socket.send(first(bench, topics=["alarm"], runs=["*"]))
                await said(socket), await said(socket)
            got = 0
            for _ in range(40):
                for _ in range(BLOCKS_KEPT // 8):
                    bench.core.runs.hub.publish(RUN, rows)
                wanted = got + BLOCKS_KEPT // 8
                while got < wanted:
                    got += unpacked(await quick.recv())[0]["batches"]
            lost = taken = 0
            bench.core.feed.publish("alarm", "last", {})
            while True:
                message = await slow.recv()
                if isinstance(message, bytes):
                    taken += unpacked(message)[0]["batches"]
                elif "lost" in message:
                    lost += json.loads(message)["lost"]
                if lost + taken >= got:
                    break
            assert lost + taken == got and lost > 0

    play(scene, ClockMode.REAL)


def test_a_closing_station_ends_its_streams_and_takes_its_address_away(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        path = bench.folder / "station" / "endpoint.json"
        async with served(bench) as endpoint:
            assert json.loads(path.read_bytes())["url"] == endpoint.url
            socket = await joined(endpoint).__aenter__()
            await socket.send(first(bench))
            await said(socket)
        with pytest.raises(websockets.ConnectionClosed):
            while True:
                await socket.recv()
        assert socket.close_code in (1012, 1006) and not path.exists()

    play(scene, ClockMode.REAL)
