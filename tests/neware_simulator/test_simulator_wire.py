"""The simulator's wire: frames, layout, tolerance (neware-bts 1.2, 1.4, 1.5; cases 7.2.1, 7.2.2, 7.2.3, 7.2.15)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labctl_simulators.neware import wire

# neware-bts 2.3 in the captured layout of 1.2: written by hand.
STATUS_REQUEST = (
    b'<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0"><cmd>getchlstatus</cmd><list count="1">'
    b'<status ip="127.0.0.1" devtype="27" devid="33" subdevid="1" chlid="1">true</status></list></bts>'
)
STATUS_REPLY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n'
    b'<bts version="1.0">\r\n'
    b"  <cmd>getchlstatus_resp</cmd>\r\n"
    b'  <list count="1">\r\n'
    b'    <status ip="127.0.0.1" devtype="27" devid="33" subdevid="1" chlid="1" reservepause="0">finish</status>\r\n'
    b"  </list>\r\n"
    b"</bts>\n\n#\r\n"
)
# neware-bts 1.5: what the simulator answers to junk (its own choice, documented there as C).
ERROR_REPLY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n'
    b"  <cmd>error_resp</cmd>\r\n  <result>false</result>\r\n</bts>\n\n#\r\n"
)


@pytest.mark.parametrize(
    "terminator",
    [b"\n\n#\r\n", b"#\r\n", b"\r\n#\r\n", b"   \t\n#\r\n"],
    ids=["LF LF # CR LF", "# CR LF", "CR LF # CR LF", "other white space"],
)
def test_every_request_terminator_in_use_gets_exactly_the_captured_reply(client, terminator):
    assert client.raw(STATUS_REQUEST + terminator) == STATUS_REPLY


def test_a_request_in_single_bytes_is_answered_once_at_its_last_byte(client):
    data = STATUS_REQUEST + b"\n\n#\r\n"
    replies = [client.raw(data[at : at + 1]) for at in range(len(data))]
    assert replies[:-1] == [b""] * (len(data) - 1)
    assert replies[-1] == STATUS_REPLY


def test_a_request_cut_at_every_place_is_answered_once(client):
    data = STATUS_REQUEST + b"\n\n#\r\n"
    for cut in range(1, len(data)):
        assert client.raw(data[:cut]) + client.raw(data[cut:]) == STATUS_REPLY


def test_a_thousand_random_cuts_of_two_glued_requests_give_two_replies(client):
    data = (STATUS_REQUEST + b"\n\n#\r\n") * 2
    dice = random.Random(7)
    for _ in range(1000):
        cuts = sorted(dice.sample(range(1, len(data)), dice.randint(1, 6)))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert b"".join(client.raw(piece) for piece in pieces) == STATUS_REPLY * 2


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n  " + STATUS_REQUEST,
        b"\xef\xbb\xbf" + STATUS_REQUEST,
        STATUS_REQUEST.replace(b'count="1"', b'count = "1"'),
        STATUS_REQUEST.replace(b"</list></bts>", b'</list>"</bts>'),
        STATUS_REQUEST.replace(b'ip="127.0.0.1" ', b""),
        STATUS_REQUEST.replace(b">true</status>", b" />"),
        STATUS_REQUEST.replace(b">true</status>", b"></status>"),
        STATUS_REQUEST.replace(b'<?xml version="1.0" encoding="UTF-8" ?>', b""),
        STATUS_REQUEST.replace(b'encoding="UTF-8"', b'encoding="GB2312"'),
        STATUS_REQUEST.replace(b'devid="33" subdevid="1"', b'subdevid="1" devid="33"'),
    ],
    ids=[
        "leading blanks", "byte order mark", "blanks round =", "stray quote", "no ip", "empty element",
        "empty text", "no declaration", "another encoding named", "attributes in another order",
    ],
)  # fmt: skip
def test_oddities_of_real_clients_are_accepted(client, request_bytes):
    assert client.raw(request_bytes + b"\n\n#\r\n") == STATUS_REPLY


def test_rows_come_back_in_request_order_also_unknown_and_repeated_ones(client):
    wanted = [(1, 3), (9, 1), (1, 1), (1, 3), (1, 99)]
    body = "".join(
        f'<status ip="127.0.0.1" devtype="27" devid="33" subdevid="{unit}" chlid="{channel}">true</status>'
        for unit, channel in wanted
    )
    rows = client.ask(f'<cmd>getchlstatus</cmd><list count="5">{body}</list>').findall("list/status")
    assert [(int(row.attrib["subdevid"]), int(row.attrib["chlid"])) for row in rows] == wanted
    assert [row.text for row in rows] == ["finish", "false", "finish", "finish", "false"]


@pytest.mark.parametrize(
    "junk",
    [
        b"#\r\n",
        b"hello\n\n#\r\n",
        b"\x00\xff\xfe\x80 binary #\r\n",
        b"<bts version='1.0'><cmd></bts>#\r\n",
        b"<bts version='1.0'></bts>#\r\n",
        b"<xyz/></bts>#\r\n",
        b'<!DOCTYPE b [<!ENTITY a "aaaa">]><bts version="1.0"><cmd>&a;</cmd></bts>#\r\n',
        b"<bts version='1.0'>" + b"<a>" * 200 + b"</a>" * 200 + b"</bts>#\r\n",
    ],
)
def test_junk_gets_an_error_reply_and_the_conversation_goes_on(client, junk):
    reply = client.raw(junk)
    assert reply == ERROR_REPLY
    assert client.raw(STATUS_REQUEST + b"\n\n#\r\n") == STATUS_REPLY


@pytest.mark.parametrize(
    "bad",
    [
        b'<bts version="1.0"><cmd>selfdestruct</cmd></bts>',
        b'<bts version="2.0"><cmd>selfdestruct</cmd></bts>',
        b'<bts version="1.0"><cmd>selfdestruct</cmd><list></bts>',
    ],
    ids=["unknown command", "wrong version", "not well-formed"],
)
def test_a_refused_message_is_answered_under_its_own_name(client, bad):
    assert client.raw(bad + b"\n\n#\r\n") == ERROR_REPLY.replace(b"error_resp", b"selfdestruct_resp")


def test_a_ten_megabyte_request_is_thrown_away_and_answered_with_an_error(client):
    replies = b""
    for _ in range(160):
        replies += client.raw(b"x" * 65536)
        assert client.link._reader.waiting_bytes < 1_100_000
    replies += client.raw(b"</bts>\n\n#\r\n")
    assert replies == ERROR_REPLY
    assert client.raw(STATUS_REQUEST + b"#\r\n") == STATUS_REPLY


def test_a_character_cut_in_two_comes_back_whole_and_escaped(client, steps):
    # neware-bts 1.4: barcode with & < " and Chinese; UTF-8 may straddle two reads.
    path = client.save(steps.file(steps.rest(60), steps.end))
    row = f'<start {client.address(1)} barcode="A&amp;B &lt;1&gt; &quot;x&quot; 电池#3">{path}</start>'
    data = f'<bts version="1.0"><cmd>start</cmd><list count="1">{row}</list></bts>#\r\n'.encode()
    middle = data.index("电".encode()) + 1
    assert b">ok</start>" in client.raw(data[:middle]) + client.raw(data[middle:])
    assert client.inquire(1)["barcode"] == 'A&B <1> "x" 电池#3'


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=50))
def test_any_garbage_in_any_chunking_gives_whole_frames_only(data, size):
    reader = wire.FrameReader()
    frames = [frame for at in range(0, len(data), size) for frame in reader.feed(data[at : at + size])]
    assert frames == wire.FrameReader().feed(data)
    for frame in frames:
        try:
            wire.parse_request(frame)
        except wire.RequestProblem:
            continue


def test_numbers_are_trimmed_and_never_lack_the_point_in_exponent_form():
    # neware-bts 2.4 and 4.1
    assert [wire.number4(v) for v in (3.456, 0.0, -0.0003, -0.00001, 12.0)] == [
        "3.456",
        "0",
        "-0.0003",
        "0",
        "12",
    ]
    assert [wire.number1(v) for v in (12319.0, 7912.6, 0.0)] == ["12319", "7912.6", "0"]
    assert wire.number15(3e-5) == "3.0E-05"
    assert wire.number15(2.4466553441016e-06) == "2.4466553441016E-06"
    assert wire.number15(-0.0) == "0"
    assert wire.point_exponents('a="3E-05" b="-2E-06" c="1.5E-07"') == 'a="3.0E-05" b="-2.0E-06" c="1.5E-07"'
