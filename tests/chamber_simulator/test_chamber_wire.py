"""The chamber simulator says what temperature-chamber.md says, byte for byte.

Frames are typed by hand from the section named beside each; none was recorded from our own code.
"""

from __future__ import annotations

import itertools
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_simulators.chamber.device import ChamberDevice, RtuChamberDevice
from labctl_simulators.chamber.registers import RegisterMap
from labctl_simulators.chamber.wire import crc16
from labctl_simulators.world.chamber import Chamber

from labctl.errors import UserInputError

READ_ALL_TCP = bytes.fromhex("00 01 00 00 00 06 01 04 00 00 00 06")  # section 2, TCP: read all inputs
SET_60_TCP = bytes.fromhex(
    "00 02 00 00 00 0b 01 10 00 02 00 02 04 42 70 00 00"
)  # section 2, TCP: set 60.0 degC
READ_ALL_RTU = bytes.fromhex("01 04 00 00 00 06 70 08")  # section 2, RTU: the same two
SET_60_RTU = bytes.fromhex("01 10 00 02 00 02 04 42 70 00 00 67 d5")  # section 2, RTU
ON_AT_60_RTU = bytes.fromhex("01 04 0c 00 01 00 00 42 6f 80 00 42 70 00 00 81 c7")  # section 2: reply
ON_RTU = bytes.fromhex("01 06 00 00 00 01 48 0a")  # section 2: on
EXCEPTION_3_RTU = bytes.fromhex("01 90 03 0c 01")  # section 2: exception 3 to FC16


class FixedChamber(Chamber):
    """A chamber whose sensor shows 59.875 degC, as in the frame of section 2."""

    @property
    def reading_degC(self) -> float:
        return 59.875


def chamber_at_60() -> Chamber:
    return FixedChamber("oven", profile="ideal", air_degC=60.0, setpoint_degC=60.0, on=True)


def tcp(function: int, *data: int, transaction: int = 9, unit: int = 1) -> bytes:
    """Frame a PDU by hand: section 2 with the Modbus/TCP header."""
    return struct.pack(">HHHBB", transaction, 0, len(data) + 2, unit, function) + bytes(data)


def rtu(*body: int) -> bytes:
    return bytes(body) + crc16(bytes(body)).to_bytes(2, "little")


def test_tc01_reads_all_inputs_over_tcp() -> None:
    answer = ChamberDevice(chamber_at_60()).receive(READ_ALL_TCP)
    # header: same transaction, length 15; then the reply of section 2 without its CRC
    assert answer == bytes.fromhex("00 01 00 00 00 0f") + ON_AT_60_RTU[:-2]


def test_tc01_sets_sixty_degrees_over_tcp() -> None:
    device = ChamberDevice(Chamber("oven"))
    assert device.receive(SET_60_TCP) == bytes.fromhex("00 02 00 00 00 06 01 10 00 02 00 02")
    assert device.chamber.setpoint_degC == 60.0
    assert device.chamber.on is False


def test_tc01_reads_all_inputs_over_rtu() -> None:
    assert RtuChamberDevice(chamber_at_60()).receive(READ_ALL_RTU) == ON_AT_60_RTU


def test_tc01_sets_and_switches_on_over_rtu() -> None:
    device = RtuChamberDevice(Chamber("oven"))
    assert device.receive(SET_60_RTU) == bytes.fromhex(
        "01 10 00 02 00 02 e0 08"
    )  # FC16 echo of address, count
    assert device.receive(ON_RTU) == ON_RTU  # FC6 echoes the request
    assert (device.chamber.setpoint_degC, device.chamber.on) == (60.0, True)


def test_tc01_answers_exception_three_to_a_set_point_of_151() -> None:
    device = RtuChamberDevice(Chamber("oven"))
    assert device.receive(rtu(0x01, 0x10, 0, 2, 0, 2, 4, 0x43, 0x17, 0, 0)) == EXCEPTION_3_RTU
    assert device.chamber.setpoint_degC == 25.0


@pytest.mark.parametrize(
    ("case", "request_frame", "code"),
    [
        ("set point 151", tcp(16, 0, 2, 0, 2, 4, 0x43, 0x17, 0, 0), 3),
        ("half a float by FC6", tcp(6, 0, 2, 0x42, 0x70), 3),
        ("half a float by FC16", tcp(16, 0, 3, 0, 1, 2, 0, 0), 3),
        ("half of the ramp behind a whole set point", tcp(16, 0, 2, 0, 3, 6, 0x42, 0x70, 0, 0, 0x40, 0), 3),
        ("set point NaN", tcp(16, 0, 2, 0, 2, 4, 0x7F, 0xC0, 0, 0), 3),
        ("register 6 written", tcp(6, 0, 6, 0, 1), 2),
        ("126 registers", tcp(4, 0, 0, 0, 126), 3),
        ("count 0", tcp(3, 0, 0, 0, 0), 3),
        ("beyond the inputs", tcp(4, 0, 0, 0, 7), 2),
        ("function 43", tcp(43, 14, 1, 0), 1),
        ("on = 2", tcp(6, 0, 0, 0, 2), 3),
        ("spare register = 1", tcp(6, 0, 1, 0, 1), 3),
        ("ramp of 11 K/min", tcp(16, 0, 4, 0, 2, 4, 0x41, 0x30, 0, 0), 3),
        ("byte count that does not fit", tcp(16, 0, 2, 0, 2, 3, 0x42, 0x70, 0, 0), 3),
    ],
)
def test_tc02_refuses_and_changes_nothing(case: str, request_frame: bytes, code: int) -> None:
    device = ChamberDevice(Chamber("oven"))
    before = device.receive(tcp(3, 0, 0, 0, 6))
    answer = device.receive(request_frame)
    function = request_frame[7]
    assert answer == bytes.fromhex("00 09 00 00 00 03 01") + bytes([function | 0x80, code]), case
    assert device.receive(tcp(3, 0, 0, 0, 6)) == before


def test_start_values_are_those_of_section_2() -> None:
    # off, spare 0, 25.0 = 41C8 0000, 2.0 = 4000 0000
    answer = ChamberDevice(Chamber("oven")).receive(tcp(3, 0, 0, 0, 6))
    assert answer[7:] == bytes.fromhex("03 0c 00 00 00 00 41 c8 00 00 40 00 00 00")


def test_tc03_is_silent_at_a_wrong_crc_and_for_another_unit() -> None:
    device = RtuChamberDevice(chamber_at_60())
    assert device.receive(READ_ALL_RTU[:-1] + b"\x09") == b""
    assert device.receive(rtu(7, 4, 0, 0, 0, 6)) == b""
    assert device.receive(READ_ALL_RTU) == ON_AT_60_RTU


def test_tc03_answers_two_frames_in_one_write_in_order() -> None:
    device = RtuChamberDevice(chamber_at_60())
    assert device.receive(ON_RTU + READ_ALL_RTU) == ON_RTU + ON_AT_60_RTU


def test_tc03_answers_one_frame_in_five_writes_once() -> None:
    device = RtuChamberDevice(chamber_at_60())
    edges = [0, 2, 4, 6, 7, 8]
    answers = [device.receive(READ_ALL_RTU[a:b]) for a, b in itertools.pairwise(edges)]
    assert answers == [b"", b"", b"", b"", ON_AT_60_RTU]


def test_rtu_answers_function_43_with_exception_one() -> None:
    # unit, function 43 | 0x80, code 1
    assert RtuChamberDevice(Chamber("oven")).receive(rtu(1, 43, 14, 1, 0)) == rtu(1, 0xAB, 1)


def test_garbage_before_a_frame_costs_nothing_on_rtu() -> None:
    device = RtuChamberDevice(chamber_at_60())
    assert device.receive(b"\x55\xaa\x01\x10" + READ_ALL_RTU) == ON_AT_60_RTU


def test_a_header_that_is_not_modbus_closes_the_tcp_connection() -> None:
    device = ChamberDevice(chamber_at_60())
    reply = device.exchange(b"GET / HTTP/1.1\r\n\r\n")
    assert (reply.data, reply.close) == (b"", True)
    assert device.receive(READ_ALL_TCP).startswith(READ_ALL_TCP[:2])


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 58), max_size=12), serial=st.booleans())
def test_any_chunking_gives_the_same_answers(cuts: list[int], serial: bool) -> None:
    stream = (
        READ_ALL_RTU + SET_60_RTU + ON_RTU + READ_ALL_RTU
        if serial
        else READ_ALL_TCP + SET_60_TCP + READ_ALL_TCP
    )
    kind = RtuChamberDevice if serial else ChamberDevice
    whole = kind(chamber_at_60()).receive(stream)
    device = kind(chamber_at_60())
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    parts = [device.receive(stream[a:b]) for a, b in itertools.pairwise(edges)]
    assert b"".join(parts) == whole


@settings(max_examples=100, deadline=None)
@given(garbage=st.binary(max_size=400))
def test_garbage_never_raises(garbage: bytes) -> None:
    for kind in (ChamberDevice, RtuChamberDevice):
        kind(Chamber("oven")).receive(garbage)


def test_a_failed_sensor_reads_nan_on_the_wire() -> None:
    device = ChamberDevice(Chamber("oven"))
    device.inject("sensor_nan")
    (value,) = struct.unpack(">f", device.receive(tcp(4, 0, 2, 0, 2))[9:])
    assert math.isnan(value)


def test_tc12_the_same_with_a_table_of_other_addresses() -> None:
    table = RegisterMap.from_mapping(
        {"input_state": 100, "input_alarm": 101, "input_temperature": 110, "input_followed": 112,
         "holding_on": 200, "holding_spare": 201, "holding_setpoint": 210, "holding_ramp": 212}
    )  # fmt: skip
    device = ChamberDevice(Chamber("oven"), table)
    assert device.receive(tcp(16, 0, 210, 0, 2, 4, 0x42, 0x70, 0, 0))[7] == 16
    assert device.chamber.setpoint_degC == 60.0
    assert device.receive(tcp(6, 0, 200, 0, 1))[7] == 6
    assert device.receive(tcp(4, 0, 100, 0, 2))[9:] == bytes.fromhex("00 01 00 00")
    assert device.receive(tcp(4, 0, 0, 0, 2))[7:] == bytes([0x84, 2])
    assert device.receive(tcp(16, 0, 210, 0, 1, 2, 0x42, 0x70))[7:] == bytes([0x90, 3])


def test_a_table_with_an_overlap_or_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserInputError, match="overlaps"):
        RegisterMap.from_mapping({"holding_ramp": 3})
    with pytest.raises(UserInputError, match="known are"):
        RegisterMap.from_mapping({"holding_humidity": 9})


def test_several_connections_share_one_chamber_but_not_a_buffer() -> None:
    device = ChamberDevice(chamber_at_60())
    first, second = device.connect(), device.connect()
    assert first.receive(READ_ALL_TCP[:5]) == b""
    assert len(second.receive(READ_ALL_TCP)) == 21
    assert len(first.receive(READ_ALL_TCP[5:])) == 21
