"""What the Neware driver says and understands, against a scripted server on a real socket.

Items of neware-bts.md section 7.1 are named in the tests (7.1.3 = item 3); safety rules by their ids.
"""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from labctl.errors import LinkTimeout, RefusedError, UsageError, UserInputError, WireError
from labctl.interfaces.cycler import ChannelState
from labctl.model.ids import TestId

PLACES = ("1-1", "1-2", "2-1")
ECHO = (
    '<download devtype="27" devid="33" subdevid="1" chlid="1" testid="41" startpos="1" '
    'count="1000" auxid="0" />'
)


def test_the_driver_logs_in_on_both_lanes_and_lists_its_channels(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        driver = bench.driver(username="lab", password="p&w")
        await driver.open()

        assert await driver.places() == PLACES
        assert "devid 33, 3 channels" in await driver.identify()
        logins = [request for _, request in bench.server.requests if b"<cmd>connect</cmd>" in request]
        assert len(logins) == bench.server.connections == 2
        assert all(
            b"<username>lab</username><password>p&amp;w</password><type>bfgs</type>" in one for one in logins
        )
        await driver.close()

    on_bench(scene)


def test_every_request_is_utf_8_xml_and_ends_with_lf_lf_hash_cr_lf_7_1_1(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        async with bench.opened() as driver:
            await driver.live(PLACES)
            await driver.progress(PLACES)

        assert set(bench.server.terminators) == {b"\n\n#\r\n"}
        for _, request in bench.server.requests:
            assert request.startswith(b'<?xml version="1.0" encoding="UTF-8" ?>')
            ElementTree.fromstring(request.decode("utf-8"))

    on_bench(scene)


@pytest.mark.parametrize("size", [1, 7, 2048])
def test_a_reply_in_pieces_also_inside_a_character_is_read_7_1_2(on_bench: Any, size: int) -> None:
    async def scene(bench: Any) -> None:
        row = (
            '  <inquire dev="27-33-1-1-0" cycle_id="1" step_type="--" workstatus="finish" barcode="电池电池" '
            'current="0" voltage="3.1" capacity="0" energy="0" totaltime="0" relativetime="0" />'
        )
        whole = bench.reply("inquire", '<list count="1">', row, "</list>")
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        bench.server.script["inquire"] = lambda root, number: pieces
        async with bench.opened() as driver:
            (reading,) = await driver.live(["1-1"])

        assert (reading.barcode, reading.voltage_V) == ("电池电池", 3.1)

    on_bench(scene)


def test_a_second_frame_glued_to_a_reply_is_never_taken_for_the_next_answer_7_1_2_f06(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        stale = bench.reply(
            "inquiredf", '<list count="1">',
            '  <chl devtype="27" devid="33" subdevid="1" chlid="1" testid="1" count="1">true</chl>', "</list>",
        )  # fmt: skip
        doubled = [stale + stale]
        bench.server.script["inquiredf"] = lambda root, number: doubled
        async with bench.opened() as driver:
            (first,) = await driver.progress(["1-1"])
            assert first.test_id == 1
            del bench.server.script["inquiredf"]
            with pytest.raises(WireError, match="nobody asked for"):
                await driver.progress(["1-1"])
            (fresh,) = await driver.progress(["1-1"])

            assert fresh.test_id == 41
            assert bench.server.connections == 3

    on_bench(scene)


def test_a_late_frame_between_two_questions_costs_a_new_connection_and_no_answer_f06(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        stale = bench.reply(
            "inquiredf", '<list count="1">',
            '  <chl devtype="27" devid="33" subdevid="1" chlid="1" testid="1" count="1">true</chl>', "</list>",
        )  # fmt: skip
        async with bench.opened() as driver:
            before = bench.server.connections
            bench.server.say_unasked(stale)
            await bench.clock.link.sleep(0.05)
            (fresh,) = await driver.progress(["1-1"])
            (again,) = await driver.progress(["1-1"])

            assert (fresh.test_id, again.test_id) == (41, 41)
            assert bench.server.connections == before + 1

    on_bench(scene)


@pytest.mark.parametrize("glued", [True, False])
def test_a_stop_is_sent_whatever_late_bytes_stand_before_it_f06(on_bench: Any, glued: bool) -> None:
    async def scene(bench: Any) -> None:
        bench.server.words["1-1"] = "working"
        good = bench.reply("connect", "<result>ok</result>")
        if glued:
            bench.server.script["connect"] = lambda root, number: [good * number]
        async with bench.opened() as driver:
            if not glued:
                bench.server.say_unasked(good)
                await bench.clock.link.sleep(0.05)
            bench.server.script.pop("connect", None)
            await driver.stop("1-1")

            assert bench.server.commands().count("stop") == 1

    on_bench(scene)


@pytest.mark.parametrize("name", ["download", "donwload"])
def test_both_spellings_of_download_are_accepted_7_1_3(on_bench: Any, name: str) -> None:
    async def scene(bench: Any) -> None:
        answer = bench.reply(name, ECHO, '<list count="1">', "  " + bench.record_row(1), "</list>")
        bench.server.script["download"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            assert len(await driver.records("1-1", TestId(41), 0)) == 1

    on_bench(scene)


def test_another_commands_reply_is_refused_and_the_link_made_new_7_1_3(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        bench.server.script["inquiredf"] = lambda root, number: [bench.reply("stop", '<list count="0" />')]
        async with bench.opened() as driver:
            with pytest.raises(WireError, match="stop was answered, inquiredf was asked"):
                await driver.progress(["1-1"])
            del bench.server.script["inquiredf"]
            assert (await driver.progress(["1-1"]))[0].test_id == 41

    on_bench(scene)


def test_hash_signs_in_barcodes_end_no_frame_7_1_4(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        row = (
            '  <inquire dev="27-33-1-1-0" cycle_id="1" step_type="--" workstatus="finish" barcode="#&#13;&#10;#7" '
            'current="0" voltage="3.1" capacity="0" energy="0" totaltime="0" relativetime="0">#</inquire>'
        )
        answer = bench.reply("inquire", '<list count="1">', row, "</list>")
        bench.server.script["inquire"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            assert (await driver.live(["1-1"]))[0].barcode == "#\r\n#7"

    on_bench(scene)


def test_odd_live_rows_are_read_7_1_5(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        rows = (
            '  <inquire dev="27-33-1-1-0" cycle_id="1" step_type="--" workstatus="finish" barcode="" current="--" '
            'voltage="" capacity="0" energy="0" totaltime="0" relativetime="0" T1="25" CPU1="4">'
            '<DBC value="1" /></inquire>',
            '  <inquire dev="27-33-1-2-0" cycle_id="7" step_id="3" step_type="warp" workstatus="waitStart" barcode="" '
            'current="-0.0003" voltage="3.456" capacity="0" energy="0" totaltime="12319" relativetime="0.1" />',
        )
        answer = bench.reply("inquire", '<list count="2">', *rows, "</list>")
        bench.server.script["inquire"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            idle, waiting = await driver.live(["1-1", "1-2"])

        assert idle.device_step is None and math.isnan(idle.voltage_V) and math.isnan(idle.current_A)
        assert (waiting.state, waiting.device_step, waiting.device_cycle) == (ChannelState.UNKNOWN, 3, 7)
        assert (waiting.current_A, waiting.test_time_s, waiting.step_time_s) == (-0.0003, 12319.0, 0.1)
        assert idle.coarse and waiting.coarse

    on_bench(scene)


@pytest.mark.parametrize("rows", [1, 3])
def test_fewer_or_more_rows_than_asked_are_attributed_to_nobody_7_1_7(on_bench: Any, rows: int) -> None:
    async def scene(bench: Any) -> None:
        lines = [
            '  <chl devtype="27" devid="33" subdevid="1" chlid="1" testid="1" count="1">true</chl>'
        ] * rows
        answer = bench.reply("inquiredf", f'<list count="{rows}">', *lines, "</list>")
        bench.server.script["inquiredf"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            with pytest.raises(WireError, match=f"{rows} rows for 2 channels"):
                await driver.progress(["1-1", "1-2"])

    on_bench(scene)


def test_a_row_of_another_channel_is_attributed_to_nobody_i08(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        line = '  <chl devtype="27" devid="33" subdevid="2" chlid="1" testid="1" count="1">true</chl>'
        answer = bench.reply("inquiredf", '<list count="1">', line, "</list>")
        bench.server.script["inquiredf"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            with pytest.raises(WireError, match="33-2-1 was answered, 33-1-1 was asked"):
                await driver.progress(["1-1"])

    on_bench(scene)


def test_step_time_is_the_same_number_from_records_and_from_live_values_7_1_9(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        bench.server.counts["1-1"] = 2
        rows = [
            "  " + bench.record_row(1, testtime="61800", steptype="cc", curr="0.0005"),
            "  " + bench.record_row(2, testtime="61800", steptype="dc", curr="-0.0005", cap="2.5E-06"),
        ]
        answer = bench.reply("donwload", ECHO, '<list count="2">', *rows, "</list>")
        bench.server.script["download"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            block = await driver.records("1-1", TestId(41), 0)
            (reading,) = await driver.live(["1-1"])

        assert block["step_time_second"].tolist() == [61.8, 61.8] == [reading.step_time_s] * 2
        assert block["current_ampere"].tolist() == [0.0005, -0.0005]
        assert block["step_capacity_ah"].tolist() == [
            1.5e-06,
            2.5e-06,
        ]  # a magnitude; the step type has the sign
        assert block["step_type"].tolist() == [1, 2]

    on_bench(scene)


def test_errors_name_instrument_operation_and_elapsed_time(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        bench.server.script["inquire"] = lambda root, number: [bench.HANG]
        async with bench.opened(reply_timeout_s=0.1) as driver:
            with pytest.raises(LinkTimeout) as caught:
                await driver.live(["1-1"])

        assert str(caught.value).startswith("neware: inquire: no bytes came (tcp://127.0.0.1:")
        assert caught.value.elapsed_s is not None and caught.value.elapsed_s > 0.05

    on_bench(scene)


def test_concurrent_callers_speak_one_after_the_other_7_1_16(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        server = bench.server
        server.counts["1-1"] = 50
        outstanding = worst = 0

        def counted(root: ElementTree.Element, number: int) -> list[Any]:
            nonlocal outstanding, worst
            outstanding += 1
            worst = max(worst, outstanding)
            whole = server.usual(root, number)[0]
            outstanding -= 1
            return [whole[:50], whole[50:]]

        for command in ("download", "inquiredf", "inquire"):
            server.script[command] = counted
        async with bench.opened() as driver, asyncio.TaskGroup() as group:
            pages = [group.create_task(driver.records("1-1", TestId(41), k)) for k in range(20)]
            polls = [group.create_task(driver.progress(["1-1", "2-1"])) for _ in range(20)]
            lives = [group.create_task(driver.live([place])) for place in PLACES]

        assert [int(page.result()["device_sequence"][0]) for page in pages] == list(range(1, 21))
        assert all(poll.result()[1].test_id == 7 for poll in polls)
        assert [live.result()[0].place for live in lives] == list(PLACES)
        assert worst == 1
        assert {number for number, _ in server.requests} == {1}  # the stop lane stayed silent

    on_bench(scene)


def test_live_values_are_asked_at_most_each_5_s_of_plant_time_7_1_16(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        async with bench.opened() as driver:
            first = await driver.live(PLACES)
            bench.server.words["1-1"] = "working"
            again = await driver.live(["1-1"])
            asked = bench.server.commands().count("inquire")

        assert again == first[:1]
        assert asked == 1

    on_bench(scene)


def test_a_poll_period_below_5_s_is_refused_when_the_driver_is_made(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        with pytest.raises(UserInputError, match="poll_s is 2"):
            bench.driver(poll_s=2)
        with pytest.raises(UserInputError, match="step_folder"):
            bench.driver(step_foldr="x")

    on_bench(scene)


def test_a_login_that_is_not_ok_says_where_to_look_7_1_10(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        bench.server.script["connect"] = lambda root, number: [
            bench.reply("connect", "<result>fail</result>")
        ]
        driver = bench.driver()
        with pytest.raises(RefusedError, match="see the BTS Client log") as caught:
            await driver.open()
        assert caught.value.vendor_text == "fail"
        await driver.close()

    on_bench(scene)


def test_a_device_number_without_channels_is_refused_at_open(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        driver = bench.driver(devid=34)
        with pytest.raises(RefusedError, match="devid 34"):
            await driver.open()
        await driver.close()

    on_bench(scene)


def test_the_log_is_translated_as_far_as_its_codes_are_known(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        async with bench.opened() as driver:
            (event,) = await driver.events("1-1", TestId(41))

        assert (event.sequence, event.code, event.meaning) == (1, 100000, "test started")

    on_bench(scene)


def test_readings_far_outside_the_tester_are_marked_bad_f13(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        changes: list[dict[str, str]] = [
            {},
            {"volt": "1E+30"},
            {"curr": "-6553.5"},
            {"volt": "nan"},
            {"cap": "-1"},
        ]
        rows = ["  " + bench.record_row(k + 1, **change) for k, change in enumerate(changes)]
        answer = bench.reply("donwload", ECHO, f'<list count="{len(rows)}">', *rows, "</list>")
        bench.server.script["download"] = lambda root, number: [answer]
        async with bench.opened() as driver:
            block = await driver.records("1-1", TestId(41), 0)

        assert block["quality"].tolist() == [0, 1, 1, 1, 1]

    on_bench(scene)


def test_places_that_cannot_be_are_our_own_mistake(on_bench: Any) -> None:
    async def scene(bench: Any) -> None:
        async with bench.opened() as driver:
            for place in ("1", "0-1", "a-b", "1-1-1"):
                with pytest.raises(UsageError, match="unit-channel"):
                    await driver.progress([place])
            with pytest.raises(UsageError, match="model of unit 3"):
                driver.capabilities("3-1")
            assert [item.full_scale_A for item in driver.capabilities("2-1").ranges] == [
                1e-4,
                1e-3,
                1e-2,
                0.1,
            ]
        assert all(
            a <= b for a, b in pairwise([item.full_scale_A for item in driver.capabilities("1-1").ranges])
        )

    on_bench(scene)
