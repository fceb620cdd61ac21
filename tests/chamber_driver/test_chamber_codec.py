"""Golden frames of the chamber's wire, written by hand from the shared spec temperature-chamber, section 2
(TC-01)."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labctl_drivers.chamber.codec import Decoder, encode
from labctl_drivers.chamber.messages import (
    Framed,
    Framing,
    Function,
    ManyWritten,
    OneWritten,
    ReadRegisters,
    Refusal,
    Registers,
    Request,
    WriteMany,
    WriteOne,
)
from labctl_drivers.chamber.session import Session

from labctl.errors import RefusedError, UsageError, WireError

READ_ALL_INPUTS = ReadRegisters(Function.READ_INPUT, 0, 6)
SET_60_DEGC = WriteMany(2, (0x4270, 0x0000))
SWITCH_ON = WriteOne(0, 1)
ON_59_875_60_0 = Registers(Function.READ_INPUT, (1, 0, 0x426F, 0x8000, 0x4270, 0x0000))

GOLDEN_REQUESTS: list[tuple[Request, Framing, int, str]] = [
    # section 2, "Frames (hex). TCP"
    (READ_ALL_INPUTS, Framing.TCP, 1, "00 01 00 00 00 06 01 04 00 00 00 06"),
    (SET_60_DEGC, Framing.TCP, 2, "00 02 00 00 00 0b 01 10 00 02 00 02 04 42 70 00 00"),
    # section 2, "RTU"
    (READ_ALL_INPUTS, Framing.RTU, 0, "01 04 00 00 00 06 70 08"),
    (SET_60_DEGC, Framing.RTU, 0, "01 10 00 02 00 02 04 42 70 00 00 67 d5"),
    (SWITCH_ON, Framing.RTU, 0, "01 06 00 00 00 01 48 0a"),
]
GOLDEN_REPLIES: list[tuple[Framing, str, Framed]] = [
    # section 2: reply "on, no alarm, 59.875, 60.0", and the same content under a TCP header (length 15)
    (Framing.RTU, "01 04 0c 00 01 00 00 42 6f 80 00 42 70 00 00 81 c7", Framed(ON_59_875_60_0, 0)),
    (
        Framing.TCP,
        "00 01 00 00 00 0f 01 04 0c 00 01 00 00 42 6f 80 00 42 70 00 00",
        Framed(ON_59_875_60_0, 1),
    ),
    # section 2: exception 3 to FC16
    (Framing.RTU, "01 90 03 0c 01", Framed(Refusal(16, 3), 0)),
    (Framing.TCP, "00 02 00 00 00 03 01 90 03", Framed(Refusal(16, 3), 2)),
    # section 2: a reply to FC6 repeats the request, one to FC16 its address and count (Modbus 6.6, 6.12)
    (Framing.RTU, "01 06 00 00 00 01 48 0a", Framed(OneWritten(0, 1), 0)),
    (Framing.TCP, "00 03 00 00 00 06 01 06 00 00 00 01", Framed(OneWritten(0, 1), 3)),
    (Framing.TCP, "00 02 00 00 00 06 01 10 00 02 00 02", Framed(ManyWritten(2, 2), 2)),
]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize(("request_", "framing", "transaction", "frame"), GOLDEN_REQUESTS)
def test_requests_are_byte_identical(
    request_: Request, framing: Framing, transaction: int, frame: str
) -> None:
    assert encode(request_, framing, 1, transaction) == _bytes(frame)


@pytest.mark.parametrize(("framing", "frame", "framed"), GOLDEN_REPLIES)
def test_replies_are_read_whole_byte_by_byte_and_cut_anywhere(
    framing: Framing, frame: str, framed: Framed
) -> None:
    data = _bytes(frame)
    assert Decoder(framing, 1).feed(data) == [framed]
    decoder = Decoder(framing, 1)
    assert list(itertools.chain.from_iterable(decoder.feed(bytes([byte])) for byte in data)) == [framed]
    for cut in range(len(data) + 1):
        decoder = Decoder(framing, 1)
        assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) == [framed]


@pytest.mark.parametrize("framing", list(Framing))
def test_replies_that_come_together_are_all_read_in_order(framing: Framing) -> None:
    """F04. pymodbus' own RTU framer loses the second one here."""
    chosen = [(_bytes(frame), framed) for kind, frame, framed in GOLDEN_REPLIES if kind is framing]
    for count in range(2, 6):
        row = [chosen[index % len(chosen)] for index in range(count)]
        assert Decoder(framing, 1).feed(b"".join(data for data, _ in row)) == [framed for _, framed in row]


@pytest.mark.parametrize("noise", ["00", "ff ff ff", "01", "01 04", "01 04 0c 00 01", "02 04 0c 00"])
def test_an_rtu_reply_behind_noise_is_found(noise: str) -> None:
    framing, frame, framed = GOLDEN_REPLIES[0]
    assert Decoder(framing, 1).feed(_bytes(noise) + _bytes(frame)) == [framed]


@pytest.mark.parametrize("unit", [2, 7])
def test_replies_of_another_unit_are_passed_over(unit: int) -> None:
    decoder = Decoder(Framing.TCP, 1)
    assert decoder.feed(_bytes(f"00 01 00 00 00 06 {unit:02x} 06 00 00 00 01")) == []
    assert decoder.feed(_bytes("00 03 00 00 00 06 01 06 00 00 00 01")) == [Framed(OneWritten(0, 1), 3)]


def test_every_flipped_bit_of_an_rtu_reply_is_noticed() -> None:
    """F05: never another message; silence until the deadline or a WireError are both stated outcomes."""
    data = _bytes(GOLDEN_REPLIES[0][1])
    for byte, bit in itertools.product(range(len(data)), range(8)):
        garbled = bytearray(data)
        garbled[byte] ^= 1 << bit
        try:
            assert Decoder(Framing.RTU, 1).feed(bytes(garbled)) == []
        except WireError as error:
            assert error.rule == "CRC-16"


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        ("00 01 00 07 00 06 01 04 00 00 00 06", "header"),  # protocol number is not 0
        ("00 01 00 00 00 00", "header"),  # no unit
        ("00 01 00 00 ff ff 01", "header"),  # longer than Modbus allows
        ("00 01 00 00 00 05 01 04 04 00 01", "length"),  # byte count says 4, two came
        ("00 01 00 00 00 06 01 04 03 00 01 02", "length"),  # an odd number of bytes
        ("00 01 00 00 00 04 01 90 03 00", "length"),  # an exception with one byte too many
        ("00 01 00 00 00 05 01 06 00 00 00", "length"),
        ("00 01 00 00 00 03 01 63 00", "message"),  # function 99
    ],
)
def test_a_tcp_frame_that_breaks_a_rule_is_a_wire_error_that_names_it(frame: str, rule: str) -> None:
    with pytest.raises(WireError) as caught:
        Decoder(Framing.TCP, 1).feed(_bytes(frame))
    assert caught.value.rule in (rule, "message")


@given(st.lists(st.binary(max_size=40), max_size=20), st.sampled_from(list(Framing)))
def test_any_garbage_gives_messages_or_a_wire_error_and_nothing_else(
    pieces: list[bytes], framing: Framing
) -> None:
    decoder = Decoder(framing, 1)
    for piece in pieces:
        try:
            assert all(isinstance(framed, Framed) for framed in decoder.feed(piece))
        except WireError:
            assert decoder.feed(b"") == []


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125), st.randoms(use_true_random=False))
def test_any_registers_come_back_from_any_cuts(values: list[int], dice: random.Random) -> None:
    content = bytes([1, 4, 2 * len(values)]) + b"".join(value.to_bytes(2, "big") for value in values)
    frame = (5).to_bytes(2, "big") + b"\0\0" + len(content).to_bytes(2, "big") + content
    cuts = sorted(dice.choices(range(len(frame) + 1), k=4))
    decoder = Decoder(Framing.TCP, 1)
    heard = []
    for start, end in itertools.pairwise([0, *cuts, len(frame)]):
        heard += decoder.feed(frame[start:end])
    assert heard == [Framed(Registers(Function.READ_INPUT, tuple(values)), 5)]


@pytest.mark.parametrize("request_", [
    ReadRegisters(Function.READ_INPUT, 0, 126),
    ReadRegisters(Function.READ_HOLDING, 0, 0),
    ReadRegisters(Function.READ_INPUT, 65536, 1),
    WriteOne(0, 65536),
    WriteMany(0, (-1,)),
])  # fmt: skip
def test_what_modbus_cannot_say_is_never_sent(request_: Request) -> None:
    for framing in Framing:
        with pytest.raises(UsageError):
            encode(request_, framing, 1, 1)


def test_a_session_takes_only_the_answer_to_its_question() -> None:
    """F06: an answer to an earlier question has another transaction number and is passed over."""
    session = Session(Framing.TCP, 1)
    assert session.request(READ_ALL_INPUTS).hex(" ") == "00 01 00 00 00 06 01 04 00 00 00 06"
    session.give_up()
    assert session.request(READ_ALL_INPUTS).hex(" ") == "00 02 00 00 00 06 01 04 00 00 00 06"
    late = _bytes(GOLDEN_REPLIES[1][1])
    assert session.feed(late) is None
    assert session.feed(b"\x00\x02" + late[2:]) == ON_59_875_60_0
    assert session.feed(b"\x00\x02" + late[2:]) is None


def test_an_rtu_session_tells_answers_apart_by_what_they_repeat() -> None:
    session = Session(Framing.RTU, 1)
    session.request(ReadRegisters(Function.READ_HOLDING, 0, 6))
    assert session.feed(_bytes(GOLDEN_REPLIES[0][1])) is None  # a doubled answer to function 4
    with pytest.raises(UsageError, match="no answer yet"):
        session.request(SWITCH_ON)
    session.give_up()
    session.request(SWITCH_ON)
    with pytest.raises(RefusedError, match="illegal data value") as caught:
        session.feed(_bytes("01 86 03 02 61"))  # exception 3 to function 6
    assert caught.value.vendor_text == "exception 3, illegal data value"


def test_transaction_numbers_go_round_without_zero() -> None:
    session = Session(Framing.TCP, 1)
    session._transaction = 65534
    numbers = []
    for _ in range(3):
        numbers.append(session.request(SWITCH_ON)[:2])
        session.give_up()
    assert numbers == [b"\xff\xff", b"\x00\x01", b"\x00\x02"]
