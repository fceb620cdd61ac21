"""Faults of the chamber and of its wire, by the names of temperature-chamber.md section 4."""

from __future__ import annotations

import pytest
from labctl_simulators.chamber.device import ChamberDevice, RtuChamberDevice
from labctl_simulators.chamber.faults import WireFault
from labctl_simulators.world.chamber import Chamber, ChamberAlarm, ChamberState

from labctl.errors import UserInputError

READ_ALL_TCP = bytes.fromhex("00 01 00 00 00 06 01 04 00 00 00 06")  # temperature-chamber.md section 2
READ_ALL_RTU = bytes.fromhex("01 04 00 00 00 06 70 08")
OFF_RTU = bytes.fromhex("01 06 00 00 00 00 89 ca")  # FC6, holding 0 = 0


def tcp_device() -> ChamberDevice:
    return ChamberDevice(Chamber("oven", profile="ideal", air_degC=60.0, setpoint_degC=60.0, on=True))


def test_a_silent_supply_answers_nothing_until_cleared() -> None:
    device = tcp_device()
    device.inject("silent")
    assert device.receive(READ_ALL_TCP) == b""
    device.clear("silent")
    assert len(device.receive(READ_ALL_TCP)) == 21


def test_a_late_reply_tells_the_host_how_long_to_wait() -> None:
    device = tcp_device()
    device.inject("late", 350.0, count=1)
    assert device.exchange(READ_ALL_TCP).delay_s == pytest.approx(0.35)
    assert device.exchange(READ_ALL_TCP).delay_s == 0.0


def test_a_cut_reply_keeps_its_first_bytes() -> None:
    device = tcp_device()
    whole = device.receive(READ_ALL_TCP)
    device.inject("cut", 8, count=1)
    assert device.receive(READ_ALL_TCP) == whole[:8]


def test_a_wrong_crc_exists_on_rtu_alone() -> None:
    serial, net = RtuChamberDevice(Chamber("oven", profile="ideal")), tcp_device()
    good = serial.receive(READ_ALL_RTU)
    for device in (serial, net):
        device.inject("wrong_crc", count=1)
    bad = serial.receive(READ_ALL_RTU)
    assert bad[:-1] == good[:-1] and bad[-1] != good[-1]
    assert serial.receive(READ_ALL_RTU) == good
    assert net.receive(READ_ALL_TCP) == tcp_device().receive(READ_ALL_TCP)


def test_garbage_goes_out_before_the_answer() -> None:
    device = tcp_device()
    device.inject("garbage", count=1)
    noisy = device.receive(READ_ALL_TCP)
    assert noisy.endswith(tcp_device().receive(READ_ALL_TCP)) and len(noisy) > 21


def test_a_closed_connection_asks_the_host_to_close() -> None:
    device = tcp_device()
    device.inject("closed", count=1)
    reply = device.exchange(READ_ALL_TCP)
    assert (reply.data, reply.close) == (b"", True)


def test_a_half_open_connection_stays_deaf_while_a_new_one_answers() -> None:
    device = tcp_device()
    old, new = device.connect(), device.connect()
    device.inject("half_open", count=1)
    assert old.receive(READ_ALL_TCP) == b""
    assert old.receive(READ_ALL_TCP) == b""
    assert len(new.receive(READ_ALL_TCP)) == 21


def test_a_power_cut_leaves_the_chamber_off_with_start_values_and_warm_air() -> None:
    device = tcp_device()
    device.inject("power_cut")
    chamber = device.chamber
    assert (chamber.state, chamber.setpoint_degC, chamber.ramp_K_per_min) == (ChamberState.OFF, 25.0, 2.0)
    assert chamber.temperature_degC() == pytest.approx(60.0)


def test_an_alarm_is_acknowledged_by_writing_off_once_its_cause_is_gone() -> None:
    device = RtuChamberDevice(Chamber("oven", profile="ideal", air_degC=60.0, setpoint_degC=60.0, on=True))
    device.inject("alarm", 1)
    assert device.chamber.state is ChamberState.ALARM
    assert device.receive(OFF_RTU) == OFF_RTU
    assert device.chamber.alarm is ChamberAlarm.OVER_TEMPERATURE
    device.clear("alarm")
    device.receive(OFF_RTU)
    assert (device.chamber.alarm, device.chamber.state) == (ChamberAlarm.NONE, ChamberState.OFF)


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(UserInputError, match="power_cut"):
        tcp_device().inject("flood")
    assert len(WireFault) == 8
