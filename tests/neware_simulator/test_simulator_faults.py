"""Fault switches and injected faults (neware-bts 1.4, 7.2.16; safety-and-faults F01 to F14, F28, F42)."""

from __future__ import annotations

import math

import pytest


def inject(client, kind, **more):
    reply = client.bench.admin({"do": "fault", "instrument": "neware", "kind": kind, "slot": "1-1", **more})
    assert reply["ok"], reply
    return reply


def cycling(steps):
    return steps.file(
        steps.rest(100), steps.charge(0.5, Time=600000), steps.discharge(0.5, Time=600000), (5, steps.loop(2, 9)),
        steps.end, record='<Time Value="10000" />',
    )  # fmt: skip


STATUS = '<cmd>getchlstatus</cmd><list count="1"><status {}>true</status></list>'


def test_the_wrong_subdevid_switch_echoes_1_with_the_right_state(make_client):
    client = make_client(variants=[], unit={"unit": 5})
    inject_slotless = {"do": "fault", "instrument": "neware", "kind": "wrong_subdevid"}
    assert client.bench.admin(inject_slotless)["ok"]
    row = client.ask(STATUS.format(client.address(2, 5))).findall("list/status")[0]
    assert (row.attrib["subdevid"], row.text) == ("1", "finish")
    client.bench.admin({**inject_slotless, "on": False})
    assert client.ask(STATUS.format(client.address(2, 5))).findall("list/status")[0].attrib["subdevid"] == "5"


def test_upload_lag_holds_records_and_the_end_back(client, steps):
    inject(client, "upload_lag", lag_s=60)
    client.start(1, steps.file(steps.rest(100), steps.end))
    client.bench.advance_to(90.0)
    assert client.progress(1) == (1, 31, "false") and len(client.records(1)) == 31
    client.bench.advance_to(120.0)
    assert client.status(1) == "finish" and client.progress(1) == (1, 61, "false")
    client.bench.advance_to(160.0)
    assert client.progress(1) == (1, 101, "true")


def test_a_late_count_grows_after_the_records(client, steps):
    inject(client, "late_count", records=5)
    client.start(1, steps.file(steps.rest(100), steps.end))
    client.bench.advance_to(50.0)
    assert client.progress(1) == (1, 46, "false") and len(client.records(1)) == 51


def test_a_clock_jump_moves_atime_back_but_no_other_time(client, steps):
    # 1.4: atime can jump back inside a test
    client.start(1, steps.file(steps.rest(200), steps.end, record='<Time Value="50000" />'))
    client.bench.advance_to(120.0)
    inject(client, "clock_jump", shift_s=-3600)
    client.bench.advance_to(200.0)
    rows = client.records(1)
    assert [row["atime"][11:] for row in rows] == ["00:00:00", "00:00:50", "00:01:40", "23:02:30", "23:03:20"]
    assert [int(row["testtime"]) for row in rows] == [0, 50000, 100000, 150000, 200000]


def test_a_reboot_leaves_running_tests_in_stop_with_their_data(client, steps):
    # F08
    client.start(1, cycling(steps))
    client.bench.advance_to(305.0)
    inject(client, "reboot")
    assert client.status(1) == "stop" and client.progress(1)[2] == "true"
    rows = client.records(1)
    assert int(rows[-1]["testtime"]) == 205000
    client.bench.advance_to(4000.0)
    assert client.records(1) == rows


def test_an_open_contact_takes_the_current_away_and_the_test_runs_on(client, steps):
    # F28 and neware-bts 6
    client.start(1, cycling(steps))
    client.bench.advance_to(305.0)
    inject(client, "open_contact")
    client.bench.advance_to(400.0)
    assert client.inquire(1)["current"] == "0" and client.status(1) == "working"
    before = float(client.records(1)[-1]["cap"])
    assert before == pytest.approx(0.5e-3 * 205 / 3600, rel=1e-9)
    inject(client, "open_contact", on=False)
    client.bench.advance_to(700.0)
    charge = [row for row in client.records(1) if row["stepid"] == "2"]
    assert {float(row["curr"]) for row in charge if 205 < int(row["testtime"]) / 1000 < 300} == {0.0}
    assert float(charge[-1]["cap"]) == pytest.approx(0.5e-3 * (600 - 95) / 3600, rel=1e-9)
    truth = client.bench.admin({"do": "truth", "slot": "1-1"})
    assert truth["cell"]["throughput_mAh_cm2"] == pytest.approx(
        0.5 * (600 - 95) / 3600 / truth["cell"]["area_cm2"], rel=1e-6
    )


def test_a_frozen_reading_repeats_itself(client, steps):
    # F14
    client.start(1, cycling(steps))
    client.bench.advance_to(305.0)
    inject(client, "freeze")
    client.bench.advance_to(505.0)
    rows = client.records(1)[-15:]
    assert len({(row["volt"], row["curr"], row["cap"]) for row in rows}) == 1
    inject(client, "freeze", on=False)
    client.bench.advance_to(600.0)
    assert client.records(1)[-1]["volt"] != rows[0]["volt"]


@pytest.mark.parametrize("value", ["nan", "inf", "9999.9"])
def test_an_implausible_value_comes_as_it_is(client, steps, value):
    # F13
    client.start(1, cycling(steps))
    client.bench.advance_to(305.0)
    inject(client, "bad_value", field="volt_V", value=value)
    client.bench.advance_to(405.0)
    seen = float(client.records(1)[-1]["volt"])
    assert seen == float(value) or (math.isnan(seen) and value == "nan")


def test_counters_reset_wrap_and_forget(client, steps):
    # F11, F12
    client.start(1, cycling(steps))
    client.bench.advance_to(1500.0)
    assert client.inquire(1)["cycle_id"] == "2"
    inject(client, "counter_reset")
    assert client.inquire(1)["cycle_id"] == "1"
    inject(client, "cap_reset")
    client.bench.advance_to(1530.0)
    assert float(client.records(1)[-1]["cap"]) == pytest.approx(0.5e-3 * 30 / 3600, rel=1e-6)
    inject(client, "cap_reset", on=False)
    inject(client, "cap_wrap", at_Ah=1e-5)
    client.bench.advance_to(1890.0)
    assert max(float(row["cap"]) for row in client.records(1)[-30:]) <= 1e-5
    inject(client, "cap_wrap", on=False)
    inject(client, "cap_forget")
    client.bench.advance_to(3000.0)
    assert float(client.records(1)[-1]["cap"]) > 0.5e-3 / 6 * 1.01


def test_an_overrun_loses_an_exact_range(client, steps):
    # F10
    client.start(1, steps.file(steps.rest(100), steps.end))
    client.bench.advance_to(50.0)
    inject(client, "overrun", records=10)
    client.bench.advance_to(100.0)
    numbers = [int(row["seqid"]) for row in client.page(1, 1, 1000)]
    assert numbers == [*range(1, 42), *range(52, 102)]
    assert client.progress(1)[1] == 101


def test_a_silent_clamp_shows_in_the_records(client, steps):
    # F42
    inject(client, "clamp", current_A=2e-4)
    client.start(1, cycling(steps))
    client.bench.advance_to(305.0)
    assert float(client.records(1)[-1]["curr"]) == 2e-4


REQUEST = b'<bts version="1.0"><cmd>getdevinfo</cmd></bts>#\r\n'


def test_wire_faults_hit_the_next_replies_only(client):
    whole = client.raw(REQUEST)

    def arm(kind, **more):
        inject(client, kind, **more)
        return client.link.outgoing(REQUEST)

    drop = arm("drop", bytes=33)
    assert (drop[0].pieces, drop[0].close) == ((whole[:33],), True)
    assert arm("hang")[0].pieces == ()
    late = arm("late", delay_s=2.5)
    assert (late[0].pieces, late[0].delay_s) == ((whole,), 2.5)
    garbled = arm("garble", bytes=50)[0].pieces[0]
    assert len(garbled) == len(whole) and sum(a != b for a, b in zip(garbled, whole, strict=True)) == 1
    assert b"".join(arm("split", bytes=7)[0].pieces) == whole
    assert arm("duplicate")[0].pieces == (whole, whole)
    assert arm("merge") == []
    assert client.link.outgoing(REQUEST)[0].pieces == (whole + whole,)
    assert arm("noise", bytes=8)[0].pieces[0].endswith(whole)
    assert client.raw(REQUEST) == whole


def test_a_wire_fault_can_wait_for_one_command(client):
    inject(client, "drop", bytes=0, command="start", count=2)
    assert client.raw(REQUEST).endswith(b"#\r\n")
    assert client.status(1) == "finish"


def test_a_wire_fault_for_a_command_that_there_is_not_is_refused_with_the_known_ones(client):
    asked = {"do": "fault", "instrument": "neware", "kind": "drop", "command": "getchannelstatus"}
    reply = client.bench.admin(asked)
    assert reply["ok"] is False and "getchlstatus" in reply["error"] and "start" in reply["error"]
    assert client.raw(REQUEST).endswith(b"#\r\n"), "nothing was armed"


def test_an_unknown_fault_is_refused_with_the_known_words(client):
    reply = client.bench.admin({"do": "fault", "instrument": "neware", "kind": "earthquake"})
    assert reply["ok"] is False and "open_contact" in reply["error"]
