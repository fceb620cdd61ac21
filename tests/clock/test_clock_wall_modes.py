"""Real and free modes: plant time runs with the wall."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from socket import create_server
from typing import Any

import pytest

from labctl.adminlink import AdminLink, split_host_port
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, LinkTimeout, RefusedError, UserInputError, WireError


def test_real_plant_time_counts_seconds_and_says_the_wall_clock() -> None:
    async def main(clock: Clock) -> None:
        assert clock.mode is ClockMode.REAL
        assert not clock.plant.virtual
        start_s = clock.plant.now_s()
        await clock.plant.sleep(0.01)
        assert clock.plant.now_s() - start_s >= 0.01
        assert abs(datetime.now(UTC) - clock.plant.utc()) < timedelta(minutes=1)
        begun_utc = datetime.fromtimestamp(clock.plant.epoch_unix_s, UTC)
        assert abs(begun_utc - clock.plant.utc()) < timedelta(minutes=1)

    run_with_clock(ClockSpec(), main)


def test_free_plant_time_runs_faster_than_the_wall() -> None:
    async def main(clock: Clock) -> None:
        plant_s = clock.plant.now_s()
        await clock.plant.sleep(1000.0)
        assert clock.plant.now_s() - plant_s >= 1000.0
        assert clock.plant.virtual
        assert clock.plant.utc() >= datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=1000)

    run_with_clock(ClockSpec(mode=ClockMode.FREE, speed=100_000.0), main)


def test_many_sleepers_wake_in_order_of_their_moments_on_the_wall_too() -> None:
    woke: list[int] = []

    async def main(clock: Clock) -> None:
        async def sleeper(number: int) -> None:
            await clock.plant.sleep_until(clock.plant.now_s() + 100.0 * number)
            woke.append(number)

        async with asyncio.TaskGroup() as group:
            for number in (3, 1, 2):
                group.create_task(sleeper(number))

    run_with_clock(ClockSpec(mode=ClockMode.FREE, speed=10_000.0), main)
    assert woke == [1, 2, 3]


class OneReplyBench:
    """Sends prepared bytes for each line that comes, then closes."""

    def __init__(self, *replies: bytes) -> None:
        self._replies = replies
        self._listener = create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as lines:
            for reply in self._replies:
                lines.readline()
                connection.sendall(reply)
            lines.readline()

    def __enter__(self) -> OneReplyBench:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._thread.join()
        self._listener.close()


def _json(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def test_free_mode_takes_epoch_moment_and_speed_from_the_bench() -> None:
    hello = _json(ok=True, epoch_unix_s=1_800_000_000.0, plant_s=5000.0, mode="free", speed=2000.0, seed=3)

    async def main(clock: Clock) -> None:
        assert clock.plant.epoch_unix_s == 1_800_000_000.0
        assert clock.plant.now_s() >= 5000.0
        await clock.plant.sleep(20.0)
        assert clock.plant.now_s() >= 5020.0

    with OneReplyBench(hello) as bench:
        run_with_clock(ClockSpec(mode=ClockMode.FREE, admin=bench.address), main)


def _ask(address: str) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        link = AdminLink()
        await link.open(address)
        try:
            return await link.request("truth", timeout_s=5.0, slot="neware:1-1", after_sequence=0)
        finally:
            await link.close()
            await link.close()

    return asyncio.run(main())


def test_an_admin_request_returns_the_reply() -> None:
    with OneReplyBench(_json(ok=True, rows=[1, 2])) as bench:
        assert _ask(bench.address)["rows"] == [1, 2]


def test_an_admin_reply_may_come_in_pieces() -> None:
    with OneReplyBench(b'{"ok": tr' + b'ue, "text": "25 \xc2\xb0C"}' + b"\n") as bench:
        assert _ask(bench.address)["text"] == "25 °C"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (_json(ok=False, error="no such slot"), RefusedError),
        (b"[1]\n", WireError),
        (b"hello there\n", WireError),
        (b"\xff\xfe\n", WireError),
        (b'{"ok": true', LinkTimeout),
    ],
)
def test_an_admin_reply_that_is_no_answer_is_named(reply: bytes, error: type[Exception]) -> None:
    async def main(address: str) -> None:
        link = AdminLink()
        await link.open(address)
        try:
            with pytest.raises(error):
                await link.request("truth", timeout_s=0.05 if error is LinkTimeout else 5.0)
            assert link.is_open == (error is RefusedError)
        finally:
            await link.close()

    with OneReplyBench(reply) as bench:
        asyncio.run(main(bench.address))


def test_a_closed_admin_link_refuses_requests() -> None:
    async def main() -> None:
        link = AdminLink()
        with pytest.raises(LinkClosed):
            await link.request("hello")
        await link.close()

    asyncio.run(main())


@pytest.mark.parametrize("text", ["", "40001", ":40001", "host:", "host:port", "host:0", "host:65536"])
def test_an_address_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(UserInputError, match="host:port"):
        split_host_port(text)
