"""How the Neware driver follows a test: pages, outages, another test on the channel, a clock that goes back.

Items of neware-bts.md section 7.1 are named in the tests (7.1.3 = item 3); safety rules by their ids.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from xml.etree import ElementTree

import pytest
from labctl_drivers.neware import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, LinkTimeout, WireError
from labctl.model.ids import TestId
from labctl.transport.memory import MemoryTransport

ECHO = (
    '<download devtype="27" devid="33" subdevid="1" chlid="1" testid="41" startpos="1" '
    'count="1000" auxid="0" />'
)


@pytest.mark.parametrize("total", [0, 1, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("rows_per_page", [1000, 333])
def test_pages_join_without_gap_or_double_whatever_a_page_holds_7_1_12(
    on_bench: Any, total: int, rows_per_page: int
) -> None:
    async def scene(bench: Any) -> None:
        bench.server.counts["1-1"] = total
        bench.server.rows_per_page = rows_per_page
        async with bench.opened() as driver:
            found: list[int] = []
            while len(block := await driver.records("1-1", TestId(41), len(found))):
                found += block["device_sequence"].tolist()

        assert found == list(range(1, total + 1))

    on_bench(scene)


def test_records_that_come_while_paging_are_fetched_too_7_1_12(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        bench.server.counts["1-1"] = 1200
        async with bench.opened() as driver:
            first = await driver.records("1-1", TestId(41), 0)
            bench.server.counts["1-1"] = 1300
            second = await driver.records("1-1", TestId(41), 1000)
            bounded = await driver.records("1-1", TestId(41), 1000, up_to=1010)
            nothing = await driver.records("1-1", TestId(41), 1300, up_to=1300)

        assert (len(first), len(second), len(bounded), len(nothing)) == (1000, 300, 10, 0)
        assert int(second["device_sequence"][-1]) == 1300

    on_bench(scene)


@pytest.mark.parametrize(
    ("sequence", "delivered"), [((2, 3), [2, 3]), ((1, 3), [1]), ((1, 1), None), ((2, 1), None)]
)
def test_a_page_is_cut_at_a_gap_and_refused_for_an_overlap_4_5(
    on_bench: Any, sequence: tuple[int, int], delivered: list[int] | None
) -> None:
    async def scene(bench: Any) -> None:
        rows = ["  " + bench.record_row(seqid) for seqid in sequence]
        answer = bench.reply("donwload", ECHO, '<list count="2">', *rows, "</list>")
        bench.server.script["download"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            if delivered is None:
                with pytest.raises(WireError, match="overlap"):
                    await driver.records("1-1", TestId(41), 0)
                return
            block = await driver.records("1-1", TestId(41), 0)
        assert block["device_sequence"].tolist() == delivered

    on_bench(scene)


def test_records_of_another_test_are_never_delivered_7_1_13(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        bench.server.counts["1-1"] = 10
        async with bench.opened() as driver:
            assert len(await driver.records("1-1", TestId(41), 0)) == 10
            bench.server.tests["1-1"] = 59  # somebody started another test by hand
            with pytest.raises(WireError, match="test 59 was answered, test 41 was asked"):
                await driver.records("1-1", TestId(41), 5)
            (progress,) = await driver.progress(["1-1"])

        assert progress.test_id == 59

    on_bench(scene)


def test_a_test_is_complete_only_when_the_server_says_so_7_1_13(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        server = bench.server
        server.complete["1-1"] = False  # the word is finish already, but rows still come up
        seen = []
        async with bench.opened() as driver:
            for count in (10, 14):
                server.counts["1-1"] = count
                (progress,) = await driver.progress(["1-1"])
                seen.append((progress.count, progress.complete))
            server.complete["1-1"] = True
            (progress,) = await driver.progress(["1-1"])

        assert seen == [(10, False), (14, False)]
        assert (progress.count, progress.complete) == (14, True)

    on_bench(scene)


def test_a_server_clock_that_goes_back_warns_and_reorders_nothing_7_1_14(
    on_bench: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(bench: Any) -> None:
        clocks = ["2026-10-25 02:59:59", "2026-10-25 02:00:00", "2026-10-25 02:00:01"]
        rows = ["  " + bench.record_row(k + 1, atime=text) for k, text in enumerate(clocks)]
        answer = bench.reply("donwload", ECHO, '<list count="3">', *rows, "</list>")
        bench.server.script["download"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            with caplog.at_level(logging.WARNING):
                block = await driver.records("1-1", TestId(41), 0)

        assert block["device_sequence"].tolist() == [1, 2, 3]
        assert block["device_clock"].tolist() == [text.encode() for text in clocks]
        assert "clock went back" in caplog.text

    on_bench(scene)


def follow(driver: Any, place: str, test_id: int, total: int) -> Any:
    """Fetch a test as an engine does: go on at last + 1 after every failure, at most five of them."""

    async def loop() -> tuple[list[int], list[str]]:
        found: list[int] = []
        failures: list[str] = []
        while len(found) < total:
            try:
                block = await driver.records(place, TestId(test_id), len(found), min(len(found) + 100, total))
                found += block["device_sequence"].tolist()
            except (LinkClosed, LinkTimeout, WireError) as error:
                failures.append(type(error).__name__)
                assert len(failures) <= 5, error
        return found, failures

    return loop()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang", "LinkTimeout"),
        ("close", "LinkClosed"),
        ("reset", "LinkClosed"),
        ("half", "LinkClosed"),
        ("late", "LinkTimeout"),
    ],
)
def test_after_an_outage_records_go_on_at_last_plus_one_7_1_15(on_bench: Any, fault: str, error: str) -> None:
    async def scene(bench: Any) -> None:
        server = bench.server
        server.counts["1-1"] = 500
        asked = 0

        def download(root: ElementTree.Element, number: int) -> list[Any]:
            nonlocal asked
            asked += 1
            usual = server.usual(root, number)
            if asked != 3:
                return usual
            match fault:
                case "half":
                    return [usual[0][:1500], bench.CLOSE]
                case "late":
                    return [usual[0][:1500], bench.HANG]
                case _:
                    return [fault]

        server.script["download"] = download
        async with bench.opened(reply_timeout_s=0.15) as driver:
            found, failures = await follow(driver, "1-1", 41, 500)

        assert found == list(range(1, 501))
        assert failures == [error]

    on_bench(scene)


def test_a_refused_connection_is_a_closed_link_and_the_next_call_tries_again_7_1_15(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        async with bench.opened() as driver:
            port = bench.server.port
            await bench.server.close()
            with pytest.raises(LinkClosed):
                await driver.progress(["1-1"])
            with pytest.raises(LinkClosed):
                await driver.progress(["1-1"])
            await bench.server.open(port)
            assert (await driver.progress(["1-1"]))[0].test_id == 41

    on_bench(scene)


class MemoryEnd:
    """The scripted server's answers without a socket."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def receive(self, data: bytes) -> bytes:
        root = ElementTree.fromstring(data.removesuffix(b"#\r\n"))
        self._server.requests.append((0, data))
        return b"".join(self._server.usual(root, 0))


def test_the_same_driver_works_in_one_process_where_time_leaps(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        async def main(clock: Clock) -> tuple[float, float]:
            def connect(resource: str) -> MemoryTransport:
                return MemoryTransport(MemoryEnd(bench.server), clock, resource)

            driver = create("neware", "mem://x", bench.settings, clock, connect)
            await driver.open()
            bench.server.counts["1-1"] = 1500
            began_s = clock.plant.now_s()
            assert len(await driver.records("1-1", TestId(41), 0)) == 1000
            assert len(await driver.records("1-1", TestId(41), 1000)) == 500
            await driver.live(["1-1"])
            after_s = clock.plant.now_s()
            bench.server.words["1-1"] = "working"
            await driver.pause("1-1")
            await driver.close()
            return began_s, after_s

        jump = ClockSpec(mode=ClockMode.JUMP)
        began_s, after_s = await asyncio.to_thread(run_with_clock, jump, main)
        assert after_s == began_s  # an exchange takes no plant time

    on_bench(scene)


def test_a_channel_that_runs_test_after_test_leaves_no_trace_of_each_in_memory(on_bench: Any) -> None:
    """I14: a host repeat makes thousands of device tests in a month."""

    async def scene(bench: Any) -> None:
        bench.server.counts["1-1"] = 2
        async with bench.opened() as driver:
            for test_id in range(41, 51):
                bench.server.tests["1-1"] = test_id
                assert len(await driver.records("1-1", TestId(test_id), 0)) == 2
            assert len(driver._newest_clock) == 1

    on_bench(scene)
