"""The state table of neware-bts 3.4 entry by entry; start, stop, pause, protection (7.2.11 to 7.2.14)."""

from __future__ import annotations

import pytest

STATES = ("finish", "working", "pause", "stop", "protect")
# neware-bts 3.4: (word before, command) -> (answer, word after). What is not in the diagram is refused.
TABLE = {
    ("finish", "start"): ("ok", "working"),
    ("finish", "stop"): ("false", "finish"),
    ("finish", "continue"): ("false", "finish"),
    ("finish", "goto"): ("false", "finish"),
    ("finish", "setpause"): ("false", "finish"),
    ("finish", "reset"): ("false", "finish"),
    ("finish", "clearflag"): ("false", "finish"),
    ("working", "start"): ("false", "working"),
    ("working", "stop"): ("ok", "stop"),
    ("working", "continue"): ("false", "working"),
    ("working", "goto"): ("ok", "working"),
    ("working", "setpause"): ("ok", "pause"),
    ("working", "reset"): ("ok", "working"),
    ("working", "clearflag"): ("false", "working"),
    ("pause", "start"): ("false", "pause"),
    ("pause", "stop"): ("ok", "stop"),
    ("pause", "continue"): ("ok", "working"),
    ("pause", "goto"): ("false", "pause"),
    ("pause", "setpause"): ("false", "pause"),
    ("pause", "reset"): ("false", "pause"),
    ("pause", "clearflag"): ("false", "pause"),
    ("stop", "start"): ("ok", "working"),
    ("stop", "stop"): ("false", "stop"),
    ("stop", "continue"): ("ok", "working"),
    ("stop", "goto"): ("false", "stop"),
    ("stop", "setpause"): ("false", "stop"),
    ("stop", "reset"): ("false", "stop"),
    ("stop", "clearflag"): ("false", "stop"),
    ("protect", "start"): ("ok", "working"),
    ("protect", "stop"): ("false", "protect"),
    ("protect", "continue"): ("ok", "working"),
    ("protect", "goto"): ("false", "protect"),
    ("protect", "setpause"): ("false", "protect"),
    ("protect", "reset"): ("false", "protect"),
    ("protect", "clearflag"): ("ok", "protect"),
}


def program(steps):
    return steps.file(steps.rest(100), steps.charge(0.5, Time=600000), steps.end)


def bring_to(client, steps, word):
    """Bring channel 1 into a state by the way a person would."""
    if word == "finish":
        client.start(1, steps.file(steps.rest(10), steps.end))
        client.bench.advance_to(20.0)
        return
    client.start(1, program(steps))
    client.bench.advance_to(200.0)
    if word == "pause":
        assert client.row("setpause", "setpause", 1, "", 'cycleid="-1" stepid="-1" timeout=""') == "ok"
    elif word == "stop":
        assert client.row("stop", "stop", 1) == "ok"
    elif word == "protect":
        reply = client.bench.admin({"do": "fault", "instrument": "neware", "kind": "protect", "slot": "1-1"})
        assert reply["ok"]


def command(client, steps, name):
    if name == "start":
        return client.start(1, program(steps))
    if name == "reset":
        path = client.save(program(steps))
        return client.ask(f"<cmd>reset</cmd><reset {client.address(1)}>{path}</reset>").findtext("reset")
    if name == "goto":
        return client.row("goto", "goto", 1, "true", 'step="1"')
    if name == "setpause":
        return client.row("setpause", "setpause", 1, "", 'cycleid="-1" stepid="-1" timeout=""')
    return client.row(name, name, 1)


@pytest.mark.parametrize(("before", "name"), list(TABLE), ids=[" ".join(key) for key in TABLE])
def test_each_entry_of_the_state_table_holds(client, steps, before, name):
    bring_to(client, steps, before)
    assert client.status(1) == before
    assert (command(client, steps, name), client.status(1)) == TABLE[before, name]
    assert client.inquire(1)["workstatus"] == client.status(1)


def test_the_table_names_every_state_and_command():
    assert {key[0] for key in TABLE} == set(STATES)
    assert len(TABLE) == len(STATES) * 7


def test_stop_freezes_the_data_and_the_channel_can_be_started_again(client, steps):
    # 7.2.12
    bring_to(client, steps, "stop")
    test_id, count, over = client.progress(1)
    assert over == "true"
    frozen = client.records(1)
    client.bench.advance_to(5000.0)
    assert (client.progress(1), client.records(1)) == ((test_id, count, "true"), frozen)
    assert int(frozen[-1]["testtime"]) == 100000 and client.log(1)[-1] == 190002
    assert client.start(1, program(steps)) == "ok"
    assert client.progress(1)[0] == test_id + 1


def test_continue_after_stop_goes_on_in_the_same_step_with_its_charge(client, steps):
    # 2.10: at the point of interruption
    bring_to(client, steps, "stop")
    client.bench.advance_to(5000.0)
    assert client.row("continue", "continue", 1) == "ok"
    client.bench.advance_to(5500.0)
    assert client.status(1) == "finish"
    rows = [row for row in client.records(1) if row["stepid"] == "2"]
    assert [int(row["testtime"]) for row in rows] == [1000 * t for t in range(601)]
    assert float(rows[-1]["cap"]) == pytest.approx(0.5e-3 / 6, rel=1e-12)
    assert rows[100]["atime"] == "2026-01-01 00:03:20" and rows[101]["atime"] == "2026-01-01 01:23:21"
    assert client.layer(1)[-1]["steptime"] == "600000"
    assert client.log(1) == [100000, 190002, 100004, 100001]


def test_a_pause_step_waits_until_continue(client, steps):
    # 7.2.14
    client.start(1, steps.file(steps.rest(10), (13, ""), steps.charge(0.5, Time=10000), steps.end))
    client.bench.advance_to(1000.0)
    assert client.status(1) == "pause" and client.inquire(1)["current"] == "0"
    assert client.inquire(1)["step_type"] == "pause"
    assert client.start(1, program(steps)) == "false"
    assert client.progress(1)[2] == "false"
    assert client.row("continue", "continue", 1) == "ok"
    client.bench.advance_to(1100.0)
    assert client.status(1) == "finish"
    assert [row["stepid"] for row in client.records(1)] == ["1"] * 11 + ["3"] * 11
    assert client.log(1) == [100000, 100003, 100004, 100001]


def test_a_reserved_pause_comes_when_its_cycle_and_step_are_reached(client, steps):
    # 2.10 setpause, getpause, cancelpause; 2.3 reservepause
    client.start(1, steps.file(steps.rest(10), steps.rest(10), (5, steps.loop(1, 5)), steps.end))
    assert client.row("setpause", "setpause", 1, "", 'cycleid="3" stepid="2" timeout=""') == "ok"
    row = client.ask(f'<cmd>getpause</cmd><list count="1"><getpause {client.address(1)} /></list>').findall(
        "list/getpause"
    )[0]
    assert (row.attrib["cycleid"], row.attrib["stepid"], row.text) == ("3", "2", "true")
    status = f'<cmd>getchlstatus</cmd><list count="1"><status {client.address(1)}>true</status></list>'
    assert client.ask(status).findall("list/status")[0].attrib["reservepause"] == "1"
    client.bench.advance_to(300.0)
    assert client.status(1) == "pause"
    assert client.records(1)[-1]["cycleid"] == "3" and client.records(1)[-1]["stepid"] == "1"
    client.row("continue", "continue", 1)
    assert client.row("setpause", "setpause", 1, "", 'cycleid="5" stepid="1"') == "ok"
    assert client.row("cancelpause", "cancelpause", 1, "") == "ok"
    assert client.row("cancelpause", "cancelpause", 1, "") == "false"
    client.bench.advance_to(600.0)
    assert client.status(1) == "finish"


def test_goto_ends_the_step_and_keeps_the_cycle(client, steps):
    client.start(1, steps.file(steps.rest(100), steps.charge(0.5, Time=100000), steps.rest(50), steps.end))
    client.bench.advance_to(30.0)
    assert client.row("goto", "goto", 1, "true", 'step="3"') == "ok"
    client.bench.advance_to(200.0)
    assert [row["stepid"] for row in client.layer(1)] == ["1", "3"]
    assert [row["steptime"] for row in client.layer(1)] == ["30000", "50000"]
    assert {row["cycleid"] for row in client.layer(1)} == {"1"}


@pytest.mark.parametrize(("delay_ms", "expected_s"), [(0, 0.0), (1000, 1.0), (2500, 2.5)])
def test_protection_trips_after_its_delay_with_current_off(make_client, steps, delay_ms, expected_s):
    # 7.2.13: LTO charged from 2.655 V passes 2.8 V
    protect = f'<Volt><Upper Value="28000" /></Volt><Delay_Time Value="{delay_ms}" />'
    client = make_client(variants=["LTO-P"])
    text = steps.file(
        steps.charge(0.05, Time=3600000), steps.end, protect=protect, record='<Time Value="100" />'
    )
    client.start(1, text)
    client.bench.advance_to(3600.0)
    assert client.status(1) == "protect"
    rows = client.records(1)
    beyond = [int(row["testtime"]) for row in rows if float(row["volt"]) > 2.8]
    assert (int(rows[-1]["testtime"]) - beyond[0]) / 1000 == expected_s
    assert client.inquire(1)["current"] == "0" and client.log(1)[-1] == 190010
    assert client.progress(1)[2] == "true"
    assert client.row("clearflag", "clearflag", 1) == "ok"
    assert client.row("clearflag", "clearflag", 1) == "false"
    assert client.start(1, program(steps)) == "ok"


def test_a_short_violation_does_not_trip(make_client, steps):
    # 5.4 Delay_Time: how long the violation must last; here the charge ends 1 s after passing 2.8 V
    client = make_client(variants=["LTO-P"])
    ends = {"Stop_Volt": 28010, "Time": 3600000}
    protect = '<Volt><Upper Value="28000" /></Volt><Delay_Time Value="60000" />'
    client.start(1, steps.file(steps.charge(0.05, **ends), steps.rest(10), steps.end, protect=protect))
    client.bench.advance_to(4000.0)
    assert client.status(1) == "finish"


def test_the_rail_trips_without_any_protection_in_the_file(make_client, steps):
    # cell-models 7: outside +-5 V the channel goes to protect; records saturate
    client = make_client(variants=["LIQ-P"], profile="calibrated", cell={"overrides": {"bulk_ohm_cm2": 9000}})
    client.start(1, steps.file(steps.charge(1.0, Time=3600000), steps.end))
    client.bench.advance_to(10.0)
    assert client.status(1) == "protect"
    assert max(float(row["volt"]) for row in client.records(1)) <= 5.0


def test_a_current_protection_trips(make_client, steps):
    client = make_client()
    protect = '<Curr><Upper Value="0.4" /><Lower Value="-0.4" /></Curr>'
    client.start(1, steps.file(steps.charge(0.5, Time=600000), steps.end, protect=protect))
    client.bench.advance_to(5.0)
    assert client.status(1) == "protect"


def test_a_capacity_protection_trips(make_client, steps):
    client = make_client()
    protect = '<Cap><Upper Value="100" /></Cap>'
    client.start(1, steps.file(steps.charge(0.5, Time=600000), steps.end, protect=protect))
    client.bench.advance_to(700.0)
    assert client.status(1) == "protect"
    assert int(client.records(1)[-1]["testtime"]) == 200000


def bad_files(steps):
    """What 5.8 says must be refused, and two more that cannot be meant."""
    good = program(steps)
    return {
        "missing": None,
        "empty": "",
        "garbage": "\x01\x02 not xml",
        "another document": "<root><config type='Other' /></root>",
        "no steps": steps.file(),
        "unknown type": steps.file((99, steps.limit(Time=1000)), steps.end),
        "no end step": steps.file(steps.rest(10)),
        "loop to itself": steps.file(steps.rest(10), (5, steps.loop(2, 3)), steps.end),
        "loop forward": steps.file(steps.rest(10), (5, steps.loop(3, 3)), steps.rest(10), steps.end),
        "loop to nowhere": steps.file(steps.rest(10), (5, steps.loop(77, 3)), steps.end),
        "cc without any end": steps.file(steps.charge(0.5), steps.end),
        "cc without a current": steps.file((1, steps.limit(Time=1000)), steps.end),
        "cv without a voltage": steps.file((3, steps.limit(Curr=1, Time=1000)), steps.end),
        "current beyond the range": steps.file(steps.charge(10.5, Time=1000), steps.end),
        "voltage beyond the range": steps.file(steps.charge(1, Stop_Volt=50001), steps.end),
        "scale 100": good.replace('<Scale Value="1" />', '<Scale Value="100" />'),
        "conditions": good.replace("</Main></Limit>", "</Main><Other><Cnd1 type='1' /></Other></Limit>", 1),
        "a word for a number": good.replace('Value="0.5"', 'Value="half"'),
        "an entity bomb": '<!DOCTYPE a [<!ENTITY b "bb">]>' + good,
    }


def test_bad_step_files_are_refused_and_use_no_test_id(client, steps):
    # 7.2.11
    for name, text in bad_files(steps).items():
        if text is None:
            path = client.folder / "no such file.xml"
        else:
            path = client.save(text)
        assert client.row("start", "start", 1, str(path)) == "false", name
        assert client.progress(1) == (0, 0, "true"), name
    assert client.start(1, program(steps)) == "ok"
    assert client.progress(1)[0] == 1


def test_a_folder_a_huge_file_and_an_odd_name_are_refused(client, steps):
    big = client.folder / "big.xml"
    big.write_bytes(b" " * 3_000_000)
    for path in (client.folder, big, "", "\x7f", "/nowhere" * 500):
        assert client.row("start", "start", 1, str(path)) == "false"


def test_one_bad_row_leaves_the_good_one_and_the_running_test_alone(client, steps):
    # 7.2.11
    client.start(1, program(steps))
    client.bench.advance_to(50.0)
    before = client.records(1)
    path = client.save(program(steps))
    rows = "".join(f"<start {client.address(channel)}>{path}</start>" for channel in (1, 2, 2, 99))
    reply = client.ask(f'<cmd>start</cmd><list count="4">{rows}</list>').findall("list/start")
    assert [row.text for row in reply] == ["false", "ok", "false", "false"]
    assert client.records(1) == before and client.status(1) == "working"
    assert client.progress(2)[0] == 2


def test_step_files_in_every_known_dress_are_accepted(client, steps):
    # 5.1, 5.8: GB2312 named but UTF-8 held, GB18030, CR LF, decimals, odd child order, wrong Num
    good = steps.file(
        (
            1,
            '<Limit><Main><Time Value="60000.000000" Is_Select="1" /><Curr Value="0.06644" /></Main></Limit>',
        ),
        steps.end,
    ).replace("session", "")
    dresses = [
        good.replace('encoding="utf-8"', 'encoding="GB2312"')
        .replace('Guid="g"', 'Guid="电池"')
        .encode("utf-8"),
        good.replace('encoding="utf-8"', 'encoding="GB2312"')
        .replace('Guid="g"', 'Guid="电池"')
        .encode("gb18030"),
        good.replace("><", ">\r\n<").encode(),
        good.replace('Num="2"', 'Num="7"').encode(),
        b"\xef\xbb\xbf" + good.encode(),
    ]
    for number, data in enumerate(dresses, start=1):
        path = client.folder / f"dress-{number}.xml"
        path.write_bytes(data)
        assert client.row("start", "start", number, str(path)) == "ok"


def test_rates_need_the_nominal_capacity(make_client, steps):
    # 5.2 MultCap, 5.3
    client = make_client()
    inside = '<Limit><Main><Rate Value="0.5" /><Time Value="60000" /></Main></Limit>'
    assert client.start(1, steps.file((1, inside), steps.end)) == "false"
    assert client.start(1, steps.file((1, inside), steps.end, head='<MultCap Value="3600" />')) == "ok"
    client.bench.advance_to(10.0)
    assert client.inquire(1)["current"] == "0.0005"


def test_a_channel_without_a_cell_runs_on_at_zero_current(make_client, steps):
    # neware-bts 6: no cell, CC charge: current 0, test keeps running
    client = make_client(variants=[])
    assert client.start(1, steps.file(steps.charge(1, Cap=36, Time=60000), steps.end)) == "ok"
    client.bench.advance_to(59.0)
    assert client.status(1) == "working"
    client.bench.advance_to(60.0)
    assert client.status(1) == "finish"
    assert {row["curr"] for row in client.records(1)} == {"0"}
