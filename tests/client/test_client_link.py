"""What a client does when the station answers, refuses, is restarted, or is not there."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable
from typing import Any
from weakref import ref

import httpx
import pytest

from labctl.api.client import routes
from labctl.api.client.address import Address
from labctl.api.client.aio.link import AsyncLink
from labctl.api.client.aio.station import AsyncStation
from labctl.api.client.answers import FateUnknown
from labctl.api.client.sync.link import Link
from labctl.api.client.sync.station import Station
from labctl.errors import ConflictError, LabctlError, LinkClosed, ProgramError, StoreError, UserInputError
from labctl.model.bench import StopAll
from labctl.model.plain import to_plain

Handler = Callable[[httpx.Request], httpx.Response]
TOKEN = "lab_secret"


class FakeStation:
    """Answers by path; ``breaks`` lists transport errors to raise first. Everything asked is kept."""

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers = answers or {}
        self.epoch = "e1"
        self.breaks: list[Exception] = []
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/hello"):
            return httpx.Response(200, json={"epoch": self.epoch})
        self.asked.append(request)
        if self.breaks:
            raise self.breaks.pop(0)
        status, content = self.answers[request.url.path.removeprefix("/api/v1")]
        return httpx.Response(status, json=content)

    def link(self, *, patience_s: float = 30.0, person: str = "") -> Link:
        """Return a link whose bytes come here."""
        return Link(
            lambda: Address("http://127.0.0.1:1", TOKEN), transport=httpx.MockTransport(self),
            patience_s=patience_s, person=person,
        )  # fmt: skip


STOPPED = to_plain(StopAll(True, "Anna", "2026", "smoke"))


def test_every_call_carries_the_token_and_who_acts_and_never_in_the_url() -> None:
    fake = FakeStation({"/stop-all": (200, STOPPED)})
    assert Station(fake.link(person="Zoë 李")).stop_all("smoke") == StopAll(True, "Anna", "2026", "smoke")
    (request,) = fake.asked
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert dict(request.headers.raw)[b"X-Labctl-Person"].decode() == "Zoë 李"
    assert TOKEN not in str(request.url) and TOKEN not in repr(fake.link().address)
    assert json.loads(request.content) == {"reason": "smoke"}


def test_an_answer_goes_when_it_is_read_and_waits_for_no_collector() -> None:
    fake = FakeStation({"/stop-all": (200, STOPPED)})
    given: list[ref[httpx.Response]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        made = fake(request)
        given.append(ref(made))
        return made

    link = Link(lambda: Address("http://127.0.0.1:1", TOKEN), transport=httpx.MockTransport(answer))
    gc.disable()
    try:
        for _ in range(3):
            Station(link).stop_all("smoke")
        assert len(given) == 4 and all(one() is None for one in given)
    finally:
        gc.enable()


REFUSALS = [
    (409, ConflictError, "already done by Anna"),
    (503, StoreError, "disk is full"),
    (422, ProgramError, "too fast"),
    (404, UserInputError, "There is no run"),
    (403, UserInputError, "role view"),
    (500, LabctlError, "could not do"),
]


@pytest.mark.parametrize(("status", "kind", "text"), REFUSALS)
def test_a_refusal_becomes_the_error_it_is(status: int, kind: type[Exception], text: str) -> None:
    findings = [text] if status == 422 else []
    fake = FakeStation({"/stop-all": (status, {"error": text, "findings": findings, "fix": "Look."})})
    with pytest.raises(kind, match=text):
        fake.link().call(routes.STOP_ALL)


def test_an_answer_that_is_not_ours_is_shown_and_not_believed() -> None:
    fake = FakeStation({"/stop-all": (502, "proxy"), "/station": (200, {"name": 3})})
    with pytest.raises(LabctlError, match="502"):
        fake.link().call(routes.STOP_ALL)
    with pytest.raises(LabctlError, match="same version"):
        fake.link().call(routes.STATION)


def test_reading_is_repeated_when_the_connection_breaks() -> None:
    fake = FakeStation({"/jobs": (200, [])})
    fake.breaks = [httpx.ReadError("cut"), httpx.ConnectError("refused")]
    assert Station(fake.link()).queue.list() == ()
    assert len(fake.asked) == 3


def test_an_act_is_repeated_with_the_same_key_while_the_station_lives() -> None:
    fake = FakeStation({"/stop-all": (200, STOPPED)})
    fake.breaks = [httpx.ReadError("cut")]
    fake.link().call(routes.STOP_ALL)
    first, second = fake.asked
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_an_act_cut_by_a_restart_is_never_sent_again() -> None:
    fake = FakeStation({"/stop-all": (200, STOPPED)})
    link = fake.link()
    link.open()
    fake.breaks = [httpx.ReadError("cut")]
    fake.epoch = "e1"

    def restarted(request: httpx.Request) -> httpx.Response:
        fake.epoch = "e2" if fake.asked else "e1"
        return fake(request)

    link._transport = httpx.MockTransport(restarted)
    link.close()
    with pytest.raises(FateUnknown, match="not known"):
        link.call(routes.STOP_ALL)
    assert len(fake.asked) == 1


def test_an_act_that_never_left_is_sent_to_the_restarted_station() -> None:
    fake = FakeStation({"/stop-all": (200, STOPPED)})
    link = fake.link()
    link.open()
    fake.breaks, fake.epoch = [httpx.ConnectError("refused")], "e2"
    assert link.call(routes.STOP_ALL).active


def test_a_station_that_stays_away_ends_the_patience() -> None:
    fake = FakeStation()
    fake.breaks = [httpx.ConnectError("refused")] * 3
    with pytest.raises(LinkClosed, match="does not answer"):
        fake.link(patience_s=0.0).call(routes.JOBS)


def test_a_stranger_at_the_port_of_a_dead_station_is_left_for_where_the_station_answers_now() -> None:
    """Given pooled sockets that go to whoever has the port now: its refusal of the token ends no call."""
    fake = FakeStation({"/stop-all": (200, STOPPED)})
    places = ["http://127.0.0.1:1"]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port != int(places[0].rpartition(":")[2]):
            return httpx.Response(401, json={"error": "This needs a valid token."})
        return fake(request)

    link = Link(lambda: Address(places[0], TOKEN), transport=httpx.MockTransport(answer))
    link.open()
    places[0] = "http://127.0.0.1:2"
    assert link.call(routes.STOP_ALL).active and len(fake.asked) == 1
    fake.answers["/stop-all"] = (401, {"error": "This needs a valid token."})
    with pytest.raises(UserInputError, match="valid token"):
        link.call(routes.STOP_ALL)


def test_too_many_calls_are_spread_out() -> None:
    fake = FakeStation({"/jobs": (429, {"error": "too many calls"})})

    def calmed(request: httpx.Request) -> httpx.Response:
        if len(fake.asked) == 2:
            fake.answers["/jobs"] = (200, [])
        return fake(request)

    link = fake.link()
    link._transport = httpx.MockTransport(calmed)
    assert link.call(routes.JOBS) == ()


def test_an_id_is_data_and_never_another_path() -> None:
    assert routes.RUN.url("../people") == "/api/v1/runs/..%2Fpeople"
    assert routes.JOB_HOLD.url("j-1?x=1#y") == "/api/v1/jobs/j-1%3Fx%3D1%23y/hold"
    assert routes.CHANNEL.url("neware:1-1") == "/api/v1/channels/neware:1-1"


def test_the_same_calls_work_in_a_program_with_an_event_loop() -> None:
    fake = FakeStation({"/jobs": (200, []), "/stop-all": (409, {"error": "already done by Anna"})})

    async def main() -> None:
        transport = httpx.MockTransport(fake)
        async with AsyncStation(
            AsyncLink(lambda: Address("http://127.0.0.1:1", TOKEN), transport=transport)
        ) as station:
            assert await station.queue.list() == ()
            with pytest.raises(ConflictError, match="Anna"):
                await station.stop_all()

    asyncio.run(main())


class CountedWire(httpx.MockTransport):
    """Counts how often a connection over it was closed."""

    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


def test_a_broken_call_leaves_those_under_way_on_the_same_link_alone() -> None:
    """Given a slow answer under way: another call breaks, connects anew, and the slow one still gets its answer."""
    slow_asked, broken = asyncio.Event(), asyncio.Event()
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.removeprefix("/api/v1"))
        if asked[-1] == "/runs":
            slow_asked.set()
            await broken.wait()
        elif asked.count("/jobs") == 1 and asked[-1] == "/jobs":
            raise httpx.ReadError("cut")
        return httpx.Response(200, json={"epoch": "e1"} if asked[-1] == "/hello" else [])

    async def main() -> None:
        wire = CountedWire(answer)
        link = AsyncLink(lambda: Address("http://127.0.0.1:1", TOKEN), transport=wire)
        async with AsyncStation(link) as station, asyncio.TaskGroup() as group:
            slow = group.create_task(station.runs.list())
            await slow_asked.wait()
            assert await station.queue.list() == ()
            assert wire.closed == 0, "the slow answer still comes over it"
            broken.set()
            assert await slow == ()
            assert wire.closed == 1
        assert wire.closed == 2

    asyncio.run(main())
    assert asked == ["/hello", "/runs", "/jobs", "/hello", "/jobs"]


def test_a_greeting_that_is_broken_off_leaves_no_connection_open() -> None:
    """Given a station that accepts and is silent: who waits no longer leaves no socket behind for the collector."""
    asked = asyncio.Event()

    async def silent(request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")

    async def main() -> None:
        wire = CountedWire(silent)
        link = AsyncLink(lambda: Address("http://127.0.0.1:1", TOKEN), transport=wire)
        opening = asyncio.create_task(link.open())
        await asked.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert wire.closed == 1

    asyncio.run(main())
