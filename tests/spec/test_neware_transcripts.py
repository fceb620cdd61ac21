"""The hand-written transcripts judge the codec: exact meaning of every command, however the bytes are cut.

Outcomes stated here: whole frames are delivered whatever the chunking; bytes between frames that are neither white
space nor the beginning of a frame are a WireError after the frames before them were delivered.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import canonicalize

import numpy as np
import pytest
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.codec import decode_reply, encode_request
from labctl_drivers.neware.framing import FrameReader
from labctl_drivers.neware.session import check_pairing

from labctl.errors import RefusedError, WireError
from labctl.model.record import DeviceBlock

END = b"\n\n#\r\n"


@dataclass(frozen=True)
class Transcript:
    """One exchange as typed: request without terminator, reply without terminator."""

    name: str
    section: str
    request: bytes
    reply: bytes


def read_transcripts() -> dict[str, Transcript]:
    found: dict[str, Transcript] = {}
    name = section = request = ""
    reply: list[str] = []
    text = (Path(__file__).parent / "neware_bts" / "transcripts.txt").read_text(encoding="utf-8")
    for line in [*text.split("\n"), "== end | -"]:
        if line.startswith("== "):
            if name:
                found[name] = Transcript(name, section, request.encode(), "\r\n".join(reply).encode())
            name, _, section = line[3:].partition(" | ")
            reply = []
        elif name and line.startswith("> "):
            request = line[2:]
        elif name and line.startswith("< "):
            reply.append(line[2:])
    return found


TRANSCRIPTS = read_transcripts()
WHOLE = [TRANSCRIPTS[name].reply for name in TRANSCRIPTS]


def channel(unit: int, number: int) -> m.Address:
    return m.Address(subdevid=unit, chlid=number, devid=33)


C2, C3 = channel(1, 2), channel(1, 3)
BACKUP = m.Backup(r"Z:\bts\data")
ODD_BARCODE = 'A&B <1> "x" ä 电'

REQUESTS: dict[str, m.Request] = {
    "connect": m.Connect("admin", "neware"),
    "connect refused": m.Connect("test", "123"),
    "getdevinfo": m.GetDeviceInfo(),
    "getdevinfo of client 2025.11.24": m.GetDeviceInfo(),
    "getdevinfo without devices": m.GetDeviceInfo(),
    "getchlstatus": m.GetChannelStatus((C2, channel(5, 5), channel(9, 1))),
    "inquire": m.Inquire((C2, C3)),
    "inquire with extras": m.Inquire((C2,)),
    "inquiredf": m.InquireDf((C2, C3)),
    "download": m.Download(C2, 58, 1001, 1000),
    "download as the manual spells it": m.Download(C2, 58, 1, 1),
    "download of the test id alone": m.Download(C2, 0, 0, 0),
    "download with odd numbers": m.Download(C2, 58, 7, 3),
    "downloadStepLayer": m.DownloadStepLayer(C2),
    "downloadlog": m.DownloadLog(C2, 58),
    "downloadlog as the manual spells it": m.DownloadLog(C2, 0, 0),
    "start": m.Start(
        (
            m.StartItem(C2, r"Z:\bts\LiZn-007.xml", "LiZn-007"),
            m.StartItem(C3, r"Z:\bts\LiZn-008.xml", ODD_BARCODE),
        ),
        BACKUP,
    ),
    "stop": m.Stop((C2, C3)),
    "broadcaststop": m.BroadcastStop(33),
    "continue": m.Continue((C2,)),
    "goto": m.Goto((C2,), 5),
    "light": m.Light((C2,), True),
    "light off": m.Light((C2,), False),
    "clearflag": m.ClearFlag((C2,)),
    "resetalarm": m.ResetAlarm((C2,)),
    "chl_ctrl": m.ChannelControl((C2,), True),
    "reset": m.Reset(C2, r"Z:\bts\new.xml"),
    "parallel": m.Parallel((C2, C3)),
    "getparallel": m.GetParallel((C2,)),
    "setpause": m.SetPause((C2,)),
    "cancelpause": m.CancelPause((C2,), 3, 4),
    "getpause": m.GetPause((C2,)),
    "unknown command": m.GetPause((C2,)),
}


def block(**columns: list[object]) -> DeviceBlock:
    return DeviceBlock({name: np.array(values) for name, values in columns.items()})


def acknowledged(command: str, *words: str) -> m.AcknowledgeReply:
    rows = zip((C2, C3), words, strict=False)
    return m.AcknowledgeReply(command, tuple(m.AcknowledgeRow(address, word) for address, word in rows))


LIVE = m.InquireRow(
    C2, 0, "working", "dc", 12, 3, 2.8731, -0.0005, 0.0011, 0.0034, 90211.4, 7912.6, "LiZn-007", 102000
)
REPLIES: dict[str, m.Reply] = {
    "connect": m.ResultReply("connect", "ok"),
    "connect refused": m.ResultReply("connect", "fail"),
    "getdevinfo": m.DeviceInfoReply((m.MappedChannel(channel(1, 1), True), m.MappedChannel(C2, False))),
    "getdevinfo of client 2025.11.24": m.DeviceInfoReply(
        (m.MappedChannel(channel(1, 1), True),), "BTS Client 2025.11.24(R3) (64)", ("33: 2.1",)
    ),
    "getdevinfo without devices": m.DeviceInfoReply(()),
    "getchlstatus": m.StatusReply(
        (
            m.StatusRow(C2, "working", 0),
            m.StatusRow(channel(5, 5), "finish", 1),
            m.StatusRow(channel(9, 1), "false", 0),
        )
    ),
    "inquire": m.InquireReply(
        (LIVE, m.InquireRow(C3, 0, "finish", "--", 1, None, 3.456, 0.0, 0.0, 0.0, 0.0, 0.0, "电池 #7", 0))
    ),
    "inquire with extras": m.InquireReply(
        (
            m.InquireRow(
                C2, 0, "working", "cccv", 12, 3, 3.9, 0.0005, 0.0011, 0.0034, 12319.0, 7912.6, 'A&B <1> "x"', 102000
            ),
        )
    ),
    "inquiredf": m.ProgressReply((m.ProgressRow(C2, 58, 14233, False), m.ProgressRow(C3, 41, 2500, True))),
    "downloadStepLayer": m.StepLayerReply(
        C2, 58,
        (m.StepLayerRow(1, 61, 1, 1, 1, "rest", 60.0, "2026-01-08 16:03:11", 3.0214, 3.0209, 0, 0, 0, 0, 0),),
    ),
    "downloadlog": m.LogReply(
        C2, 58, (m.LogRow(1, 100000, "2026-01-08 16:02:11"), m.LogRow(14233, 100001, "2026-01-12 09:11:05"))
    ),
    "downloadlog as the manual spells it": m.LogReply(C2, 58, (m.LogRow(1, 100000, "2026-01-08 16:02:11"),)),
    "start": acknowledged("start", "ok", "false"),
    "stop": acknowledged("stop", "ok", "false"),
    "broadcaststop": m.AcknowledgeReply("broadcaststop", (m.AcknowledgeRow(None, "ok"),)),
    "continue": acknowledged("continue", "ok"),
    "goto": acknowledged("goto", "ok"),
    "light": acknowledged("light", "ok"),
    "light off": acknowledged("light", "ok"),
    "clearflag": acknowledged("clearflag", "false"),
    "resetalarm": acknowledged("resetalarm", "ok"),
    "chl_ctrl": acknowledged("chl_ctrl", "ok"),
    "reset": acknowledged("reset", "ok"),
    "parallel": acknowledged("parallel", "ok", "ok"),
    "getparallel": acknowledged("getparallel", "false"),
    "setpause": acknowledged("setpause", "ok"),
    "cancelpause": acknowledged("cancelpause", "ok"),
    "getpause": acknowledged("getpause", "false"),
    "unknown command": m.ResultReply("getpause", "false"),
}  # fmt: skip
PAGES: dict[str, tuple[int, int, DeviceBlock]] = {
    "download": (1001, 1000, block(
        device_sequence=[1001, 1002], device_step=[4, 5], device_cycle=[2, 2], step_type=[1, 2],
        step_time_second=[61.8, 0.0], voltage_volt=[3.90031814575195, 3.6780698299408],
        current_ampere=[0.000194012205023319, -0.000295051460852847], step_capacity_ah=[3.33054021466523e-06, 0.0],
        step_energy_wh=[1.29901722037211e-05, 0.0], device_clock=[b"2026-01-09 11:20:31"] * 2, quality=[0, 0],
    )),
    "download as the manual spells it": (1, 1, block(
        device_sequence=[1], device_step=[1], device_cycle=[1], step_type=[0], step_time_second=[0.0],
        voltage_volt=[3.0214], current_ampere=[0.0], step_capacity_ah=[0.0], step_energy_wh=[0.0],
        device_clock=[b"2026-01-08 16:02:11"], quality=[0],
    )),
    "download of the test id alone": (0, 0, block(
        device_sequence=[], device_step=[], device_cycle=[], step_type=[], step_time_second=[], voltage_volt=[],
        current_ampere=[], step_capacity_ah=[], step_energy_wh=[], device_clock=np.array([], "S19").tolist(),
        quality=[],
    )),
    "download with odd numbers": (7, 3, block(
        device_sequence=[7, 8, 9], device_step=[2, 2, 2], device_cycle=[1, 1, 1], step_type=[5, 5, 5],
        step_time_second=[0.1, 0.2, 0.3], voltage_volt=[4.2, math.nan, 4.2],
        current_ampere=[3e-05, 3e-05, math.nan], step_capacity_ah=[2.44e-06] * 3, step_energy_wh=[0.0] * 3,
        device_clock=[b"2026-01-08 16:02:11"] * 3, quality=[0, 1, 1],
    )),
}  # fmt: skip


def frames_of(reader: FrameReader, data: bytes) -> list[bytes]:
    reader.feed(data)
    found = []
    while (frame := reader.next_frame()) is not None:
        found.append(frame)
    return found


def test_every_command_of_the_spec_has_a_transcript_and_a_meaning() -> None:
    commands = {request.command for request in REQUESTS.values()}

    assert len(commands) == 23  # 22 names and connect: the complete set of manual v1.19, section 2
    assert set(TRANSCRIPTS) == set(REQUESTS) == set(REPLIES) | set(PAGES)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_request_says_what_the_spec_writes_and_ends_with_lf_lf_hash_cr_lf(name: str) -> None:
    sent = encode_request(REQUESTS[name])

    assert sent.startswith(b'<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0"><cmd>')
    assert sent.endswith(b"</bts>" + END)
    body = sent.removesuffix(END).decode()
    assert canonicalize(body) == canonicalize(TRANSCRIPTS[name].request.decode())


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_means_what_the_spec_says(name: str) -> None:
    reply = decode_reply(TRANSCRIPTS[name].reply)

    assert reply == REPLIES[name]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_records_becomes_columns_in_si_units(name: str) -> None:
    start, count, wanted = PAGES[name]

    reply = decode_reply(TRANSCRIPTS[name].reply)

    assert isinstance(reply, m.DownloadReply)
    assert (reply.address, reply.test_id, reply.start, reply.count) == (C2, 58, start, count)
    assert list(reply.block.columns) == list(wanted.columns)
    for column, values in wanted.columns.items():
        np.testing.assert_array_equal(reply.block[column], values, err_msg=column)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_reply_answers_its_own_request(name: str) -> None:
    reply = decode_reply(TRANSCRIPTS[name].reply)
    if name in ("connect refused", "unknown command"):
        with pytest.raises(RefusedError, match="see the BTS Client log"):
            check_pairing(REQUESTS[name], reply)
    else:
        check_pairing(REQUESTS[name], reply)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_frame_arrives_whole_byte_by_byte_and_at_every_single_cut(name: str) -> None:
    frame = TRANSCRIPTS[name].reply
    wire = frame + END

    assert frames_of(FrameReader(), wire) == [frame]
    byte_by_byte = FrameReader()
    found = [whole for byte in wire for whole in frames_of(byte_by_byte, bytes([byte]))]
    assert found == [frame]
    for cut in range(1, len(wire)):
        reader = FrameReader()
        assert frames_of(reader, wire[:cut]) + frames_of(reader, wire[cut:]) == [frame], cut


def test_a_thousand_random_cut_sets_give_the_same_frames() -> None:
    rng = random.Random(20260103)
    for _ in range(1000):
        frames = rng.sample(WHOLE, rng.randint(1, 4))
        wire = b"".join(frame + END for frame in frames)
        cuts = sorted(rng.sample(range(1, len(wire)), rng.randint(1, 40)))
        reader = FrameReader()
        pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]

        found = [frame for piece in pieces for frame in frames_of(reader, piece)]

        assert found == frames
        assert reader.pending == 0


def test_two_glued_frames_are_two_frames() -> None:
    for first, second in itertools.pairwise(WHOLE):
        assert frames_of(FrameReader(), first + END + second + END) == [first, second]


@pytest.mark.parametrize("white", [b"\r\n", b"\n\n", b" \t\r\n"])
def test_white_space_between_frames_is_not_garbage(white: bytes) -> None:
    wire = white + WHOLE[0] + END + white + WHOLE[1] + END + white

    assert frames_of(FrameReader(), wire) == [WHOLE[0], WHOLE[1]]


@pytest.mark.parametrize(
    "garbage", [b"x", b"#\r\n", b"\x00\xff", b"</bts>\n\n#\r\n", b"<?bad", b"<btz", b'"/></list>']
)
def test_garbage_between_frames_is_an_error_after_the_frame_before_it(garbage: bytes) -> None:
    reader = FrameReader()
    reader.feed(WHOLE[0] + END + garbage + WHOLE[1] + END)

    assert reader.next_frame() == WHOLE[0]
    with pytest.raises(WireError):
        reader.next_frame()
    with pytest.raises(WireError, match="reconnect"):
        reader.next_frame()
    reader.clear()
    assert frames_of(reader, WHOLE[1] + END) == [WHOLE[1]]


def test_a_frame_without_its_end_mark_is_an_error_once_other_bytes_follow() -> None:
    with pytest.raises(WireError, match="end mark"):
        frames_of(FrameReader(), WHOLE[0] + WHOLE[1] + END)


def test_the_end_mark_without_the_two_line_feeds_is_accepted() -> None:
    # Section 1.5: after </bts> only white space and then # CR LF follow.
    assert frames_of(FrameReader(), WHOLE[0] + b"#\r\n" + WHOLE[1] + b"\r\n#\r\n") == WHOLE[:2]


def test_an_endless_reply_is_refused_before_it_fills_the_memory() -> None:
    reader = FrameReader(frame_max_bytes=1000)
    with pytest.raises(WireError, match="1000 bytes"):
        for _ in range(20):
            frames_of(reader, b'<?xml version="1.0"?>' + b" " * 80)
