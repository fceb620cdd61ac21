"""Properties of the Neware codec: what is written is read back, chunking never matters, garbage never escapes.

The column path and the element path must agree on every page; style.md section 6, safety-and-faults F03 to F05, F37.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.codec import decode_reply, encode_request
from labctl_drivers.neware.framing import FRAME_MAX_BYTES, REQUEST_END, FrameReader
from labctl_drivers.neware.mirror import decode_request, encode_reply
from labctl_drivers.neware.records import block_from_rows
from labctl_drivers.neware.session import Phase, Session

from labctl.errors import RefusedError, UsageError, WireError
from labctl.model.record import DEVICE_COLUMNS, DeviceBlock

END = b"\n\n#\r\n"

# What XML can hold; a carriage return survives as a character reference.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("&<>\"'#\r\n\t电ä"),
    max_size=20,
).filter(lambda text: all(ord(letter) >= 32 or letter in "\t\r\n" for letter in text))
words = st.sampled_from(["working", "finish", "stop", "protect", "pause", "false", "waitStart"])
small = st.integers(0, 2**31 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30).map(
    lambda x: x + 0.0
)
addresses = st.builds(
    m.Address, st.integers(1, 20), st.integers(1, 8), st.integers(1, 254), st.sampled_from([22, 24, 26, 27])
)
several = st.lists(addresses, min_size=1, max_size=9).map(tuple)
clocks = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0"))

requests = st.one_of(
    st.builds(m.Connect, texts, texts, texts),
    st.just(m.GetDeviceInfo()),
    st.builds(m.GetChannelStatus, several),
    st.builds(m.Inquire, several, st.integers(0, 9), st.booleans()),
    st.builds(m.InquireDf, several, small),
    st.builds(m.Download, addresses, small, small, st.integers(0, 1000), st.integers(0, 9)),
    st.builds(m.DownloadStepLayer, addresses, st.none() | small),
    st.builds(m.DownloadLog, addresses, small, st.none() | small),
    st.builds(
        m.Start,
        st.lists(st.builds(m.StartItem, addresses, texts, texts, texts), min_size=1, max_size=4).map(tuple),
        st.none() | st.builds(m.Backup, texts, texts, small, texts, st.booleans(), st.booleans(), small),
    ),
    st.builds(m.BroadcastStop, small, small),
    st.builds(m.Goto, several, small),
    st.builds(m.Light, several, st.booleans()),
    st.builds(m.ChannelControl, several, st.booleans()),
    st.builds(m.Reset, addresses, texts),
    st.builds(m.Parallel, several, small),
    st.builds(m.SetPause, several, st.integers(-1, 99), st.integers(-1, 99), texts),
    st.builds(m.CancelPause, several, st.integers(-1, 99), st.integers(-1, 99)),
    *(
        st.builds(kind, several)
        for kind in (m.Stop, m.Continue, m.ClearFlag, m.ResetAlarm, m.GetParallel, m.GetPause)
    ),
)
replies = st.one_of(
    st.builds(m.ResultReply, st.sampled_from(["connect", "error", "stop"]), st.sampled_from(["ok", "fail", "false"])),
    st.builds(
        m.DeviceInfoReply,
        st.lists(st.builds(m.MappedChannel, addresses, st.booleans()), max_size=20).map(tuple),
        texts,
        st.lists(small.map(lambda devid: f"{devid}: 2.1"), max_size=3).map(tuple),
    ),
    st.builds(
        m.StatusReply, st.lists(st.builds(m.StatusRow, addresses, words, st.integers(0, 1)), max_size=20).map(tuple)
    ),
    st.builds(
        m.InquireReply,
        st.lists(
            st.builds(
                m.InquireRow, addresses, st.integers(0, 9), words, st.sampled_from(["cc", "--", "rest"]), small,
                st.none() | small, numbers, numbers, numbers, numbers, numbers, numbers, texts, small,
            ),
            max_size=5,
        ).map(tuple),
    ),
    st.builds(
        m.ProgressReply,
        st.lists(st.builds(m.ProgressRow, addresses, small, small, st.booleans()), max_size=20).map(tuple),
    ),
    st.builds(
        m.StepLayerReply, addresses, small,
        st.lists(
            st.builds(
                m.StepLayerRow, small, small, small, small, small, st.sampled_from(["cc", "rest"]),
                st.integers(0, 10**9).map(lambda ticks: ticks / 10), clocks, *[numbers] * 7,
            ),
            max_size=4,
        ).map(tuple),
    ),
    st.builds(
        m.LogReply, addresses, small, st.lists(st.builds(m.LogRow, small, small, clocks), max_size=5).map(tuple)
    ),
    st.builds(
        m.AcknowledgeReply,
        st.sampled_from(["start", "stop", "light", "clearflag", "continue", "goto", "broadcaststop", "setpause"]),
        st.lists(st.builds(m.AcknowledgeRow, st.none() | addresses, st.sampled_from(["ok", "false"])), max_size=5).map(
            tuple
        ),
    ),
)  # fmt: skip


@st.composite
def pages(draw: st.DrawFn) -> m.DownloadReply:
    count = draw(st.integers(0, 6))
    start = draw(st.integers(1, 10**6))

    def column(strategy: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(strategy, min_size=count, max_size=count))

    columns = {
        "device_sequence": list(range(start, start + count)),
        "device_step": column(st.integers(1, 254)),
        "device_cycle": column(st.integers(1, 65535)),
        "step_type": column(st.integers(0, 7)),
        "step_time_second": column(st.integers(0, 10**9).map(lambda ticks: ticks / 10)),
        "voltage_volt": column(numbers),
        "current_ampere": column(numbers),
        "step_capacity_ah": column(st.floats(0.0, 1e3)),
        "step_energy_wh": column(st.floats(0.0, 1e3)),
        "device_clock": [text.encode() for text in draw(st.lists(clocks, min_size=count, max_size=count))],
        "quality": [0] * count,
    }
    block = DeviceBlock({name: np.array(columns[name], dtype=kind) for name, kind in DEVICE_COLUMNS.items()})
    return m.DownloadReply(draw(addresses), draw(small), start, draw(st.integers(0, 1000)), block)


def same_page(first: m.DownloadReply, second: m.DownloadReply) -> bool:
    head = ("address", "test_id", "start", "count")
    return all(getattr(first, name) == getattr(second, name) for name in head) and all(
        np.array_equal(first.block[name], second.block[name], equal_nan=first.block[name].dtype.kind == "f")
        and first.block[name].dtype == second.block[name].dtype
        for name in DEVICE_COLUMNS
    )


@settings(max_examples=150, deadline=None)
@given(requests)
def test_a_request_is_read_back_as_it_was_written(request: m.Request) -> None:
    wire = encode_request(request)

    assert wire.endswith(REQUEST_END)
    assert decode_request(wire.removesuffix(REQUEST_END)) == request


@settings(max_examples=150, deadline=None)
@given(replies)
def test_a_reply_is_read_back_as_it_was_written(reply: m.Reply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


@settings(max_examples=60, deadline=None)
@given(pages())
def test_a_page_of_records_is_read_back_bit_by_bit(page: m.DownloadReply) -> None:
    back = decode_reply(encode_reply(page))

    assert isinstance(back, m.DownloadReply)
    assert same_page(page, back)


@settings(max_examples=60, deadline=None)
@given(pages())
def test_the_fast_and_the_careful_path_read_the_same_page(page: m.DownloadReply) -> None:
    wire = encode_reply(page)
    careful = decode_reply(wire.replace(b"<list", b"<!-- no shortcut --><list"))
    fast = decode_reply(wire)

    assert isinstance(careful, m.DownloadReply) and isinstance(fast, m.DownloadReply)
    assert same_page(fast, careful)


def test_rows_that_are_not_written_alike_take_the_careful_path() -> None:
    row = (
        '<chl devtype="27" devid="33" subdevid="1" chlid="{}" testid="{}" count="9">false</chl>',
        '<chl count="9" devid="33" subdevid="1" chlid="{}" testid="{}" devtype="27">true</chl>',
        '<chl chlid="{}" testid="{}" devid="33" subdevid="1" devtype="27" count="9">true</chl>',
        '<chl devtype="27" x="&#49;" devid="33" subdevid="1" chlid="{}" testid="{}" count="9">true</chl>',
        "<chl devtype='27' devid='33' subdevid='1' chlid='{}' testid='{}' count='9'>true</chl>",
    )
    for first in row:
        for second in row:
            rows = first.format(1, 58) + second.format(2, 59) + first.format(3, 60)
            head = '<bts version="1.0"><cmd>inquiredf_resp</cmd><list count="3">'
            reply = decode_reply(f"{head}{rows}</list></bts>".encode())
            assert isinstance(reply, m.ProgressReply)
            assert [(found.address.chlid, found.test_id, found.count) for found in reply.rows] == [
                (1, 58, 9), (2, 59, 9), (3, 60, 9),
            ]  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(replies, min_size=1, max_size=3), st.data())
def test_any_chunking_gives_the_same_messages(messages: list[m.Reply], data: st.DataObject) -> None:
    wire = b"".join(encode_reply(message) + END for message in messages)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1), max_size=20)))
    reader = FrameReader()
    found = []
    for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        reader.feed(wire[start:stop])
        while (frame := reader.next_frame()) is not None:
            found.append(decode_reply(frame))

    assert found == messages


def read_all(wire: bytes) -> list[m.Reply]:
    reader = FrameReader()
    reader.feed(wire)
    found = []
    while (frame := reader.next_frame()) is not None:
        found.append(decode_reply(frame))
    return found


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_give_messages_or_a_wire_error_and_nothing_else(garbage: bytes) -> None:
    for wire in (
        garbage,
        b"<?xml" + garbage + b"</bts>" + END,
        b'<bts version="1.0"><cmd>' + garbage + b"</bts>" + END,
    ):
        try:
            read_all(wire)
        except WireError:
            continue


@settings(max_examples=150, deadline=None)
@given(replies | pages(), st.data())
def test_a_damaged_reply_gives_messages_or_a_wire_error_and_nothing_else_f05(
    reply: m.Reply, data: st.DataObject
) -> None:
    wire = bytearray(encode_reply(reply) + END)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(wire) - 1))
        match data.draw(st.sampled_from(["flip", "drop", "insert"])):
            case "flip":
                wire[place] ^= 1 << data.draw(st.integers(0, 7))
            case "drop":
                del wire[place]
            case _:
                wire[place:place] = data.draw(st.binary(min_size=1, max_size=5))
    try:
        read_all(bytes(wire))
    except WireError:
        return


PAGE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n  <cmd>donwload_resp</cmd>\r\n'
    b'  <download devtype="27" devid="33" subdevid="1" chlid="2" testid="58" startpos="1" count="1000" auxid="0" />\r\n'
    b'  <list count="2">\r\n'
    b'    <data seqid="1" stepid="1" cycleid="1" steptype="cc" testtime="100" atime="2026-01-09 11:20:31" volt="1" '
    b'curr="1" cap="1" eng="1" />\r\n'
    b'    <data seqid="2" stepid="1" cycleid="1" steptype="cc" testtime="200" atime="2026-01-09 11:20:31" volt="1" '
    b'curr="1" cap="1" eng="1" />\r\n'
    b"  </list>\r\n</bts>"
)


def with_value(name: str, value: str) -> bytes:
    """Replace one attribute in the first row."""
    rows = PAGE.find(b"<list")
    start = PAGE.find(f' {name}="'.encode(), rows) + len(name) + 3
    return PAGE[:start] + value.encode() + PAGE[PAGE.find(b'"', start) :]


def first_row(wire: bytes, column: str) -> float:
    reply = decode_reply(wire)
    assert isinstance(reply, m.DownloadReply)
    return float(reply.block[column][0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0), ("-0.0003", -0.0003), ("2.44E-06", 2.44e-06), ("3E-05", 3e-05), ("--", math.nan), ("", math.nan),
        ("3.4567890123456", 3.4567890123456), (".5", 0.5), ("5.", 5.0), ("+1", 1.0), ("1e5", 1e5), ("nan", math.nan),
        ("inf", math.nan), ("1_0", math.nan), ("1,5", math.nan), ("0x10", math.nan), ("1e999", math.nan),
        (" 1", math.nan), ("1-2", math.nan), ("１", math.nan), ("1" * 400, math.nan),
    ],
)  # fmt: skip
def test_numbers_are_read_or_bad_never_guessed_7_1_8(text: str, value: float) -> None:
    wire = with_value("volt", text)

    assert first_row(wire, "voltage_volt") == pytest.approx(value, nan_ok=True, rel=0.0, abs=0.0)
    assert first_row(wire, "quality") == (1 if math.isnan(value) else 0)


@pytest.mark.parametrize("name", ["seqid", "stepid", "cycleid"])
@pytest.mark.parametrize("text", ["", "--", "1.5", "-1", "x", "99999999999", "1" * 30])
def test_a_row_that_cannot_be_placed_is_a_wire_error(name: str, text: str) -> None:
    with pytest.raises(WireError):
        decode_reply(with_value(name, text))


def test_unreadable_step_words_and_clocks_leave_the_numbers_good() -> None:
    for name, text in (
        ("steptype", "dcir"),
        ("steptype", ""),
        ("atime", "yesterday"),
        ("atime", "2026-01-09 11:20:3"),
    ):
        wire = with_value(name, text)
        assert first_row(wire, "quality") == 0
    assert first_row(with_value("steptype", "dcir"), "step_type") == -1


def test_negative_magnitudes_are_bad() -> None:
    assert first_row(with_value("cap", "-1E-06"), "quality") == 1
    assert first_row(with_value("testtime", "-100"), "quality") == 1
    assert len(block_from_rows([])) == 0


OPEN = '<?xml version="1.0"?><bts version="1.0"><cmd>stop_resp</cmd>'
BOMBS = {
    "entities": '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><bts />',
    "external": '<?xml version="1.0"?><!DOCTYPE b SYSTEM "file:///etc/passwd"><bts><cmd>stop_resp</cmd></bts>',
    "nesting": OPEN + "<a>" * 10_000 + "</a>" * 10_000 + "</bts>",
    "string": OPEN + '<list count="1"><stop a="' + "y" * 70_000 + '" /></list></bts>',
    "tags": OPEN + '<list count="1">' + "<stop/>" * 410_000 + "</list></bts>",
    "count": OPEN + '<list count="99999999999999999999999" /></bts>',
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_hostile_replies_are_refused_x04_x05_f37(bomb: str) -> None:
    with pytest.raises(WireError):
        decode_reply(bomb.encode())


def test_a_huge_reply_is_refused_while_it_arrives_f37() -> None:
    reader = FrameReader()
    piece = b'<?xml version="1.0"?><bts version="1.0">' + b" " * 4_000_000
    with pytest.raises(WireError, match=str(FRAME_MAX_BYTES)):
        for _ in range(6):
            reader.feed(piece)
            reader.next_frame()


def test_the_session_allows_one_request_and_answers_only_that() -> None:
    session = Session()
    stop, other = m.Stop((m.Address(1, 1, 33),)), m.Stop((m.Address(1, 2, 33),))
    answer = encode_reply(m.AcknowledgeReply("stop", (m.AcknowledgeRow(m.Address(1, 1, 33), "ok"),))) + END

    session.ask(stop)
    with pytest.raises(UsageError, match="one request at a time"):
        session.ask(other)
    assert session.receive(answer[:50]) is None
    assert session.receive(answer[50:]) is not None
    assert session.phase is Phase.IDLE

    session.ask(other)
    with pytest.raises(WireError, match="1-1 was answered"):
        session.receive(answer)  # the same reply again: not this channel's
    assert session.phase is Phase.BROKEN
    with pytest.raises(UsageError):
        session.ask(stop)

    epoch = session.epoch
    session.reset()
    assert (session.phase, session.epoch) == (Phase.IDLE, epoch + 1)
    session.ask(stop)
    with pytest.raises(RefusedError):
        session.receive(encode_reply(m.ResultReply("error", "false")) + END)
    assert session.phase is Phase.IDLE  # a clean no leaves the link usable


def test_bytes_that_nobody_asked_for_break_the_session() -> None:
    session = Session()
    with pytest.raises(WireError, match="nobody asked"):
        session.receive(encode_reply(m.ResultReply("connect", "ok")) + END)


def test_letters_xml_cannot_hold_are_our_own_mistake() -> None:
    for letter in "\x00\x07\x1f\ufffe\ud800":
        with pytest.raises(UsageError):
            encode_request(m.Start((m.StartItem(m.Address(1, 1, 33), "Z:\\x.xml", f"a{letter}b"),)))
