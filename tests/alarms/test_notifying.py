"""Who is told of an alarm, when, by which path and in which words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from labctl.clock import Clock
from labctl.config.notify import NotifyPath, NotifyPerson, NotifySettings
from labctl.config.station import parse_station
from labctl.errors import UserFileError, UserInputError
from labctl.model.alarm import AlarmPriority
from labctl.station.notifying import Notifier
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.alarmdesk import ANN, Desk, live
from labctl.testing.clocks import real

MINUTE_S = 60.0
PEOPLE = (
    NotifyPerson("Ann", (NotifyPath("json://ann"), NotifyPath("json://ann-phone"))),
    NotifyPerson("Ben", (NotifyPath("json://ben"),)),
)
QUIET = NotifySettings(PEOPLE, alive_at_min=None)


class Postman:
    """Notes every message with the moment it left; the addresses in ``dead`` do not work."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, str, str, str]] = []
        self.dead: set[str] = set()
        self.now_s: Callable[[], float] = lambda: 0.0

    def __call__(self, address: str, title: str, body: str) -> bool:
        if address in self.dead:
            return False
        self.sent.append((self.now_s(), address, title, body))
        return True

    def minutes(self) -> list[tuple[float, str]]:
        return [
            (round(now_s / MINUTE_S, 3), address.removeprefix("json://"))
            for now_s, address, _, _ in self.sent
        ]


@dataclass
class Bench:
    """A desk whose alarms are carried by a postman."""

    desk: Desk
    post: Postman
    notifier: Notifier

    async def minutes(self, count: float) -> None:
        await self.desk.clock.link.sleep(count * MINUTE_S)


Story = Callable[[Bench], Coroutine[Any, Any, Any]]


def told(
    story: Story, settings: NotifySettings = QUIET, disk: SimulatedDisk | None = None, start_s: float = 0.0
) -> Postman:
    """Tell a story with a notifier, and return its postman."""
    post = Postman()

    async def main(desk: Desk) -> None:
        post.now_s = desk.clock.link.now_s
        notifier = Notifier(settings, desk.clock, "bench", head=lambda: "abc123", send=post)
        desk.keeper.set_notifier(notifier)
        notifier.resume(desk.keeper.alarms(), desk.keeper.known_told())
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(notifier.serve())
            await desk.clock.link.sleep(0.0)
            await story(Bench(desk, post, notifier))
            serving.cancel()
        notifier.close()

    live(main, disk, start_s=start_s)
    return post


def trip(bench: Bench, place: str = "1-1") -> str:
    bench.desk.keeper.raise_alarm(
        "trip",
        f"neware:{place}",
        text="voltage above the limit of 4.35 V",
        channel=f"neware:{place}",
        cell="C47",
    )
    return f"trip:neware:{place}"


def test_critical_is_told_at_once_and_escalates_after_a_quarter_of_an_hour() -> None:
    async def story(bench: Bench) -> None:
        trip(bench)
        await bench.minutes(60)

    assert told(story).minutes() == [(0.0, "ann"), (15.0, "ben")]


def test_high_is_told_after_five_minutes_unless_somebody_has_seen_it() -> None:
    async def story(bench: Bench) -> None:
        bench.desk.keeper.raise_alarm("chamber.off", "a")
        bench.desk.keeper.raise_alarm("chamber.off", "b")
        await bench.minutes(4)
        await bench.desk.keeper.acknowledge(ANN, "chamber.off:a")
        await bench.minutes(2)
        await bench.desk.keeper.acknowledge(ANN, "chamber.off:b")
        await bench.minutes(60)

    post = told(story)
    assert post.minutes() == [(5.0, "ann")]
    assert "chamber is off, b" in post.sent[0][2]


def test_medium_and_low_wait_for_a_look_at_the_screen() -> None:
    async def story(bench: Bench) -> None:
        bench.desk.keeper.raise_alarm("detect.short", "neware:1-1")
        bench.desk.keeper.raise_alarm("disk.low", "data")
        await bench.minutes(600)

    assert told(story).sent == []


def test_who_is_to_move_leads_is_called_after_a_minute_alone_and_only_until_it_is_confirmed() -> None:
    async def story(bench: Bench) -> None:
        keeper = bench.desk.keeper
        keeper.raise_alarm("handover.asked", "neware:1-1", text="Move the leads of one.")
        keeper.raise_alarm("handover.asked", "neware:1-2", text="Move the leads of two.")
        await bench.minutes(0.5)
        keeper.clear("handover.asked", "neware:1-2")
        await bench.minutes(60)

    post = told(story)
    assert post.minutes() == [(1.0, "ann")]
    body = post.sent[0][3]
    assert "Move the leads of one." in body and "two" not in body


def test_a_message_says_where_what_since_and_what_to_do() -> None:
    async def story(bench: Bench) -> None:
        await bench.minutes(75)
        trip(bench)
        await bench.minutes(1)

    _, _, title, body = told(story).sent[0]
    assert title == "[bench] CRITICAL: limit tripped, C47"
    assert body.splitlines() == [
        "CRITICAL bench neware:1-1 C47",
        "voltage above the limit of 4.35 V",
        "since 2026-01-01 01:15",
        "What to do: Look at the cell, then reset the trip with a reason.",
    ]


def test_messages_in_chinese_keep_numbers_and_units() -> None:
    async def story(bench: Bench) -> None:
        trip(bench)
        await bench.minutes(1)

    settings = NotifySettings((NotifyPerson("陈", (NotifyPath("json://chen"),), "zh"),), alive_at_min=None)
    _, _, title, body = told(story, settings).sent[0]
    assert title == "[bench] CRITICAL: 限值跳闸, C47"
    assert "处理: 检查电池，然后填写原因并复位跳闸。" in body and "4.35 V" in body


def test_quiet_hours_hold_back_high_and_never_critical() -> None:
    async def story(bench: Bench) -> None:
        await bench.minutes(60)  # 01:00
        bench.desk.keeper.raise_alarm("chamber.off", "oven")
        await bench.minutes(60)
        trip(bench)
        await bench.minutes(360)

    settings = NotifySettings((PEOPLE[0],), quiet_min=(22 * 60, 7 * 60), alive_at_min=None)
    post = told(story, settings)
    assert post.minutes() == [(120.0, "ann"), (420.0, "ann")]
    assert "chamber is off" in post.sent[1][2]


def test_the_second_path_is_taken_when_the_first_is_dead_and_the_list_says_when_none_works() -> None:
    async def story(bench: Bench) -> None:
        bench.post.dead = {"json://ann"}
        key = trip(bench)
        await bench.minutes(1)
        await bench.desk.keeper.acknowledge(ANN, key)
        bench.post.dead = {"json://ann", "json://ann-phone"}
        trip(bench, "1-2")
        await bench.minutes(0.5)
        assert bench.desk.states()["notify.failed:Ann"] == "unacknowledged"
        assert "ann-phone" not in bench.desk.keeper.alarm("notify.failed:Ann").text
        bench.post.dead = set()
        await bench.minutes(3)
        assert "notify.failed:Ann" not in bench.desk.states()

    post = told(story)
    assert [name for _, name in post.minutes()] == ["ann-phone", "ben", "ann"], (
        "Ben at once, Ann as soon as she can be"
    )
    assert post.sent[1][0] == MINUTE_S


def test_a_flood_is_a_digest_with_a_count() -> None:
    async def story(bench: Bench) -> None:
        for number in range(500):
            bench.desk.keeper.raise_alarm("held", f"neware:{number}")
        await bench.minutes(14)

    post = told(story)
    assert len(post.sent) == 1
    assert "500 alarms at once" in post.sent[0][2] and "and 480 more" in post.sent[0][3]


def test_a_critical_alarm_is_named_even_in_a_flood() -> None:
    async def story(bench: Bench) -> None:
        for number in range(100):
            bench.desk.keeper.raise_alarm("held", f"neware:{number}")
        await bench.minutes(1)
        trip(bench, "9-9")
        await bench.minutes(1)

    post = told(story)
    assert post.minutes() == [(1.0, "ann")]
    assert "neware:9-9" in post.sent[0][3]


def test_the_daily_message_carries_the_head_of_the_journal() -> None:
    async def story(bench: Bench) -> None:
        trip(bench)
        await bench.desk.keeper.acknowledge(ANN, "trip:neware:1-1")
        bench.desk.keeper.raise_alarm("disk.low", "data")
        await bench.minutes(3 * 24 * 60)

    settings = NotifySettings((PEOPLE[1],), alive_at_min=8 * 60, timezone="Asia/Shanghai")
    post = told(story, settings)
    assert [minute for minute, _ in post.minutes()] == [1440.0, 2880.0, 4320.0][: len(post.sent)] and len(
        post.sent
    ) >= 2
    assert post.sent[0][2] == "[bench] I am alive"
    assert "1 low" in post.sent[0][3] and "journal head: abc123" in post.sent[0][3]


def test_a_restart_tells_nobody_twice_and_forgets_nobody() -> None:
    disk = SimulatedDisk()

    async def before(bench: Bench) -> None:
        trip(bench)
        await bench.minutes(2)

    async def after(bench: Bench) -> None:
        await bench.minutes(60)

    assert told(before, disk=disk).minutes() == [(0.0, "ann")]
    assert told(after, disk=disk.crash(), start_s=300.0).minutes() == [(15.0, "ben")]


def test_an_alarm_that_came_right_before_a_power_cut_is_told_after_it() -> None:
    disk = SimulatedDisk()

    async def before(bench: Bench) -> None:
        bench.post.dead = {"json://ann", "json://ann-phone", "json://ben"}
        trip(bench)
        await bench.desk.keeper.flush()

    async def after(bench: Bench) -> None:
        await bench.minutes(1)

    assert told(before, disk=disk).sent == []
    assert told(after, disk=disk.crash(), start_s=60.0).minutes()[0] == (1.0, "ann")


# -- real receivers --------------------------------------------------------------------------------------------------


async def http_receiver(inbox: list[bytes], status: str = "200 OK") -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        inbox.append(await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def mail_receiver(inbox: list[bytes]) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                inbox.append(await reader.readuntil(b"\r\n.\r\n"))
            answers = {b"QUIT": b"221 bye", b"EHLO": b"250-test\r\n250 AUTH PLAIN", b"AUTH": b"235 welcome"}
            writer.write(answers.get(verb, b"250 ok") + b"\r\n")
            await writer.drain()
            if verb == b"QUIT":
                break
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def test_a_test_message_reaches_a_web_service_and_a_mail_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    web: list[bytes] = []
    mail: list[bytes] = []

    async def story(clock: Clock) -> str:
        http, smtp = await http_receiver(web), await mail_receiver(mail)
        address = (
            f"mailto://ann:hunter2@127.0.0.1:{port_of(smtp)}/?from=bench@example.org&to=ann@example.org"
            "&smtp=127.0.0.1&mode=insecure"
        )
        environment = {"WEB": f"json://ann:hunter2@127.0.0.1:{port_of(http)}/alarms", "MAIL": address}
        paths = (NotifyPath("env:WEB"), NotifyPath("env:MAIL"))
        settings = NotifySettings((NotifyPerson("Ann", paths),))
        notifier = Notifier(settings, clock, "bench", environment=environment)
        result = await notifier.test(ANN)
        notifier.close()
        for server in (http, smtp):
            server.close()
        return result

    assert real(story) == "Ann by env:WEB: sent\nAnn by env:MAIL: sent"
    assert b"This is a test by Ann" in web[0] and b"[bench] test message" in web[0]
    assert b"This is a test by Ann" in mail[0]
    assert "hunter2" not in caplog.text and "/alarms" not in caplog.text


def test_a_service_that_refuses_is_told_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story(clock: Clock) -> tuple[str, Any]:
        server = await http_receiver([], "500 Broken")
        paths = (NotifyPath(f"json://ann:hunter2@127.0.0.1:{port_of(server)}/x"), NotifyPath("env:NOWHERE"))
        notifier = Notifier(NotifySettings((NotifyPerson("Ann", paths),)), clock, "bench", environment={})
        result = await notifier.test(ANN)
        notifier.close()
        server.close()
        return result, notifier.status()

    result, status = real(story)
    assert result.splitlines()[0] == "Ann by json://…: the service did not take it"
    assert "env:NOWHERE holds no address" in result
    assert "hunter2" not in result + str(status) + caplog.text + repr(PEOPLE)


def test_nobody_to_tell_is_said_so() -> None:
    async def story(clock: Clock) -> None:
        with pytest.raises(UserInputError, match="Nobody is named"):
            await Notifier(NotifySettings(), clock, "bench").test(ANN)

    real(story)


# -- the station file ------------------------------------------------------------------------------------------------

FILE = """\
labctl: station/1
notify:
  timezone: Europe/Zurich
  quiet_hours: 22:00-07:00
  alive_at: "08:30"
  people:
    - name: Ann
      paths: ["env:LABCTL_NOTIFY_ANN", "mailto://ann:hunter2@example.org"]
    - name: 陈
      paths: ["key:labctl/chen"]
      language: zh
"""


def test_the_station_file_names_people_paths_and_quiet_hours() -> None:
    settings = parse_station(FILE).notify
    assert [person.name for person in settings.people] == ["Ann", "陈"]
    assert settings.people[1].language == "zh"
    assert [str(path) for path in settings.people[0].paths] == ["env:LABCTL_NOTIFY_ANN", "mailto://…"]
    assert (settings.quiet_min, settings.alive_at_min) == ((1320, 420), 510)
    summer_night = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)
    assert settings.quiet_left_s(summer_night) == 8 * 3600.0, "23:00 in Zurich"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("22:00-07:00", "22-7", "is no time of day"),
        ("Europe/Zurich", "Europe/Zürich", "no time zone"),
        ("mailto://ann:hunter2@example.org", "ann:hunter2", "this is no address"),
        ("language: zh", "language: de", "no messages in 'de'"),
        ("quiet_hours", "quiet_hour", "Did you mean 'quiet_hours'"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_without_its_secret(old: str, new: str, words: str) -> None:
    with pytest.raises(UserFileError) as caught:
        parse_station(FILE.replace(old, new))
    assert words in str(caught.value) and caught.value.line is not None
    assert "hunter2" not in str(caught.value)


def test_priorities_that_call_people_are_the_two_that_cannot_wait() -> None:
    from labctl.station.noticeplan import FIRST_AFTER_S

    assert set(FIRST_AFTER_S) == {AlarmPriority.CRITICAL, AlarmPriority.HIGH}
