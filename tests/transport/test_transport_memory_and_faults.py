"""The memory pipe in jump mode, and each fault kind on it: stated error, pipe closed or usable as
documented."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, LinkTimeout
from labctl.testing.faultplan import fail_each_byte, fail_nth_exchange, flip_each_bit, seeded_plan
from labctl.transport import open_transport
from labctl.transport.base import Transport
from labctl.transport.faults import Fault, FaultKind, FaultPlan, Garbling, Side
from labctl.transport.faulty import FaultyTransport
from labctl.transport.memory import MemoryTransport
from labctl.transport.reconnect import BackOff, reconnect

JUMP = ClockSpec(mode=ClockMode.JUMP)


class Counting:
    """Answers the n-th request of its connection with ``reply-n:`` and the request."""

    def __init__(self) -> None:
        self.count = 0

    def receive(self, data: bytes) -> bytes:
        self.count += 1
        return b"reply-%d:" % self.count + data


class Silent:
    """Takes everything and says nothing."""

    def receive(self, data: bytes) -> bytes:
        return b""


class Closing:
    """Hangs up at the first byte."""

    def receive(self, data: bytes) -> bytes:
        raise ConnectionResetError("power lost")


def jump(story: Callable[[Clock], Awaitable[None]]) -> None:
    async def main(clock: Clock) -> None:
        await story(clock)

    run_with_clock(JUMP, main)


def faulted(*faults: Fault, story: Callable[[FaultyTransport, Clock], Awaitable[None]]) -> None:
    """Run a story on an open faulty pipe to a fresh counting endpoint per connection."""

    async def main(clock: Clock) -> None:
        pipe = FaultyTransport(MemoryTransport(Counting, clock), clock, FaultPlan(faults))
        await pipe.open()
        await story(pipe, clock)
        await pipe.close()

    run_with_clock(JUMP, main)


async def ask(pipe: Transport, request: bytes, timeout_s: float = 30.0) -> bytes:
    await pipe.write(request)
    return await pipe.read(timeout_s)


def test_a_memory_link_answers_at_once() -> None:
    async def story(clock: Clock) -> None:
        pipe = open_transport("mem://neware", clock, memory=lambda name: Counting())
        assert pipe.resource == "mem://neware"
        await pipe.open()
        assert await ask(pipe, b"x") == b"reply-1:x"
        await pipe.close()
        await pipe.open()
        assert await ask(pipe, b"y") == b"reply-1:y"  # a new connection is a new endpoint
        assert clock.link.now_s() == 0.0

    jump(story)


def test_a_silent_endpoint_is_a_timeout_after_exactly_the_link_time_given() -> None:
    async def story(clock: Clock) -> None:
        pipe = MemoryTransport(Silent(), clock)
        await pipe.open()
        with clock.busy(), pytest.raises(LinkTimeout):
            await ask(pipe, b"x", 30.0)
        assert clock.link.now_s() == 30.0
        assert not pipe.is_open

    jump(story)


def test_an_endpoint_that_hangs_up_is_link_closed() -> None:
    async def story(clock: Clock) -> None:
        pipe = MemoryTransport(Closing, clock)
        await pipe.open()
        with pytest.raises(LinkClosed, match="power lost"):
            await pipe.write(b"x")
        assert not pipe.is_open

    jump(story)


def test_an_endpoint_that_refuses_is_link_closed_at_open() -> None:
    def refuse() -> Silent:
        raise ConnectionRefusedError("instrument is off")

    async def story(clock: Clock) -> None:
        with pytest.raises(LinkClosed, match="instrument is off"):
            await MemoryTransport(refuse, clock).open()

    jump(story)


@pytest.mark.parametrize("byte", range(9))
def test_drop_lets_the_bytes_before_pass_then_closes(byte: int) -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        await pipe.write(b"x")
        data = b""
        with pytest.raises(LinkClosed):
            while True:
                data += await pipe.read()
        assert data == b"reply-1:x"[:byte]
        assert not pipe.is_open
        await pipe.open()
        assert await ask(pipe, b"y") == b"reply-1:y"
        assert [exchange for exchange, _ in pipe.fired] == [1]

    faulted(Fault(FaultKind.DROP, byte=byte), story=story)


def test_a_dropped_request_reaches_the_peer_only_up_to_its_byte() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        with pytest.raises(LinkClosed):
            await pipe.write(b"start")
        assert not pipe.is_open

    faulted(Fault(FaultKind.DROP, side=Side.REQUEST, byte=3), story=story)


def test_a_cable_that_stays_out_refuses_some_opens() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        with pytest.raises(LinkClosed):
            await ask(pipe, b"x")
        assert await reconnect(pipe, clock) == 3
        assert clock.link.now_s() == 1.0 + 2.0 + 4.0
        assert await ask(pipe, b"y") == b"reply-1:y"

    faulted(Fault(FaultKind.DROP, opens_refused=3), story=story)


def test_hang_is_a_timeout_until_the_pipe_is_opened_anew() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        await pipe.write(b"x")
        assert await pipe.read() == b"repl"
        with pytest.raises(LinkTimeout):
            await pipe.read(30.0)
        assert clock.link.now_s() == 30.0
        await pipe.open()
        assert await ask(pipe, b"y") == b"reply-1:y"

    faulted(Fault(FaultKind.HANG, byte=4), story=story)


def test_a_swallowed_request_is_a_timeout_and_never_reaches_the_peer() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        with pytest.raises(LinkTimeout):
            await ask(pipe, b"start")
        await pipe.open()
        assert await ask(pipe, b"y") == b"reply-1:y"

    faulted(Fault(FaultKind.HANG, side=Side.REQUEST), story=story)


def test_a_fault_from_then_on_comes_at_every_later_exchange() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        assert await ask(pipe, b"a") == b"reply-1:a"
        for _ in range(3):
            with pytest.raises(LinkTimeout):
                await ask(pipe, b"b")
            await pipe.open()
        assert [exchange for exchange, _ in pipe.fired] == [2, 3, 4]

    faulted(Fault(FaultKind.HANG, exchange=2, from_then_on=True), story=story)


def test_split_delivers_the_same_bytes_in_pieces() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        await pipe.write(b"x")
        assert [await pipe.read() for _ in range(4)] == [b"re", b"ply", b"-1:", b"x"]
        assert await ask(pipe, b"y") == b"reply-2:y"

    faulted(Fault(FaultKind.SPLIT, byte=2, size=3), story=story)


class OneReplyPerRead(MemoryTransport):
    """Hands out each reply by itself, as a socket does when replies come one by one."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Counting, clock)
        self._replies: list[bytes] = []

    async def write(self, data: bytes, timeout_s: float = 30.0) -> None:
        await super().write(data, timeout_s)
        self._replies.append(await super().read(timeout_s))

    async def read(self, timeout_s: float = 30.0) -> bytes:
        return self._replies.pop(0)


def test_merge_joins_the_replies_to_requests_that_are_outstanding_together() -> None:
    async def story(clock: Clock) -> None:
        pipe = FaultyTransport(
            OneReplyPerRead(clock), clock, FaultPlan((Fault(FaultKind.MERGE, exchange=2),))
        )
        await pipe.open()
        await pipe.write(b"a")
        await pipe.write(b"b")
        assert await pipe.read() == b"reply-1:areply-2:b"

    jump(story)


def test_a_merge_without_another_request_outstanding_does_no_harm() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        assert await ask(pipe, b"a") == b"reply-1:a"

    faulted(Fault(FaultKind.MERGE), story=story)


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        (Fault(FaultKind.GARBLE, byte=2, bit=5), b"rePly-1:x"),
        (Fault(FaultKind.GARBLE, byte=2, garbling=Garbling.LOSE), b"rely-1:x"),
        (Fault(FaultKind.GARBLE, byte=2, garbling=Garbling.NOISE, noise=b"??"), b"re??ply-1:x"),
    ],
)
def test_garble_spoils_one_byte_and_leaves_the_pipe_open(fault: Fault, reply: bytes) -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        assert await ask(pipe, b"x") == reply
        assert pipe.is_open
        assert await ask(pipe, b"y") == b"reply-2:y"

    faulted(fault, story=story)


def test_a_late_reply_within_the_deadline_only_takes_longer() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        assert await ask(pipe, b"x") == b"reply-1:x"
        assert clock.link.now_s() == 20.0

    faulted(Fault(FaultKind.LATE, delay_s=20.0), story=story)


def test_a_reply_later_than_its_deadline_comes_out_of_the_reopened_pipe_before_the_next_one() -> None:
    """F06: this is what a serial line does; the driver must tell it from the answer to its next question."""

    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        with pytest.raises(LinkTimeout):
            await ask(pipe, b"x", 30.0)
        assert not pipe.is_open
        await pipe.open()
        await pipe.write(b"y")
        assert await pipe.read(30.0) == b"reply-1:x"
        assert clock.link.now_s() == 30.0
        assert await pipe.read(30.0) == b"reply-1:y"

    faulted(Fault(FaultKind.LATE, delay_s=40.0), story=story)


def test_a_late_reply_comes_at_its_time_when_no_other_does() -> None:
    class OnlyOnce:
        def __init__(self) -> None:
            self.said = False

        def receive(self, data: bytes) -> bytes:
            said, self.said = self.said, True
            return b"" if said else b"only reply"

    async def story(clock: Clock) -> None:
        plan = FaultPlan((Fault(FaultKind.LATE, delay_s=40.0),))
        pipe = FaultyTransport(MemoryTransport(OnlyOnce(), clock), clock, plan)
        await pipe.open()
        with pytest.raises(LinkTimeout):
            await ask(pipe, b"x", 30.0)
        await pipe.open()
        assert await ask(pipe, b"y", 30.0) == b"only reply"
        assert clock.link.now_s() == 40.0
        with pytest.raises(LinkTimeout):
            await pipe.read(30.0)

    jump(story)


def test_a_doubled_reply_stands_before_the_next_one() -> None:
    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        assert await ask(pipe, b"x") == b"reply-1:x"
        assert await ask(pipe, b"y") == b"reply-1:x"
        assert await pipe.read() == b"reply-2:y"

    faulted(Fault(FaultKind.DUPLICATE), story=story)


def test_a_seeded_plan_is_the_same_plan_each_time_and_another_seed_is_another() -> None:
    assert seeded_plan(7, faults=20) == seeded_plan(7, faults=20)
    assert seeded_plan(7, faults=20) != seeded_plan(8, faults=20)
    assert {fault.kind for fault in seeded_plan(1, faults=100).faults} == set(FaultKind)


def test_sweeps_name_every_place_once() -> None:
    assert [plan.faults[0].byte for plan in fail_each_byte(FaultKind.DROP, 1, 4)] == [0, 1, 2, 3]
    assert len({(plan.faults[0].byte, plan.faults[0].bit) for plan in flip_each_bit(1, 3)}) == 24
    plans = fail_nth_exchange(FaultKind.HANG)
    assert [next(plans).faults[0].exchange for _ in range(3)] == [1, 2, 3]


def _survive(seed: int) -> tuple[list[str], list[tuple[int, Fault]]]:
    """Ask 60 questions through the plan of a seed; each reply must be right, or the failure stated."""
    log: list[str] = []

    async def main(clock: Clock) -> list[tuple[int, Fault]]:
        plan = seeded_plan(seed, faults=12, exchanges=50, reply_bytes=9)
        pipe = FaultyTransport(MemoryTransport(Counting, clock), clock, plan)
        for _ in range(60):
            if not pipe.is_open:
                await reconnect(pipe, clock)
            try:
                log.append((await ask(pipe, b"q", 10.0)).decode("latin-1"))
            except (LinkClosed, LinkTimeout) as error:
                log.append(type(error).__name__)
                assert not pipe.is_open
        return pipe.fired

    return log, run_with_clock(JUMP, main)


@pytest.mark.parametrize("seed", range(30))
def test_a_story_with_seeded_faults_is_told_twice_alike(seed: int) -> None:
    first = _survive(seed)
    assert first == _survive(seed)
    assert first[1]


def test_the_waits_between_tries_double_up_to_a_minute_and_start_afresh_after_success() -> None:
    state = BackOff()
    waits = []
    for _ in range(9):
        waits.append(state.wait_s)
        state = state.failed()
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert BackOff(failures=10_000).wait_s == 60.0
    assert state.succeeded().wait_s == 0.0


def test_reconnect_gives_up_after_the_tries_it_was_given() -> None:
    heard: list[int] = []

    async def story(pipe: FaultyTransport, clock: Clock) -> None:
        with pytest.raises(LinkClosed):
            await ask(pipe, b"x")
        with pytest.raises(LinkClosed, match="refused"):
            await reconnect(
                pipe, clock, tries_max=4, on_failure=lambda error, state: heard.append(state.failures)
            )

    faulted(Fault(FaultKind.DROP, opens_refused=100), story=story)
    assert heard == [1, 2, 3, 4]
