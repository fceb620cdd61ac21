"""Golden replies, written by hand from neware-bts section 2 (cases 7.2.4 to 7.2.8)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n'
TAIL = "</bts>\n\n#\r\n"
ADDRESS = 'ip="127.0.0.1" devtype="27" devid="33" subdevid="1" chlid="1"'
SECOND = 'ip="127.0.0.1" devtype="27" devid="33" subdevid="1" chlid="2"'
ADDRESS4 = 'devtype="27" devid="33" subdevid="1" chlid="1"'


def golden(command: str, *lines: str) -> str:
    return HEAD + f"  <cmd>{command}</cmd>\r\n" + "".join(line + "\r\n" for line in lines) + TAIL


def run_one_minute(client, steps):
    """A rest of 60 s at a record each 20 s, run to its end."""
    assert (
        client.start(1, steps.file(steps.rest(60), steps.end, record='<Time Value="20000" />'), "LiZn-007")
        == "ok"
    )
    client.bench.advance_to(61.0)


def test_connect_answers_ok(client):
    # 2.1
    body = "<cmd>connect</cmd><username>admin</username><password>neware</password><type>bfgs</type>"
    assert client.text(body) == golden("connect_resp", "  <result>ok</result>")


def test_a_configured_login_answers_fail_and_shuts_the_rest(make_client):
    # 1.5 (fail, B) and 1.3 (configurable)
    client = make_client(options={"login_required": True, "username": "admin", "password": "neware"})
    assert "<result>false</result>" in client.text("<cmd>getdevinfo</cmd>")
    wrong = "<cmd>connect</cmd><username>admin</username><password>x</password><type>bfgs</type>"
    assert client.text(wrong) == golden("connect_resp", "  <result>fail</result>")
    right = wrong.replace(">x<", ">neware<")
    assert "<result>ok</result>" in client.text(right)
    assert "<middle" in client.text("<cmd>getdevinfo</cmd>")


def test_getdevinfo_lists_channels_with_false_exactly_while_running(make_client, steps):
    # 2.2
    client = make_client(unit={"channels": 2})
    client.start(1, steps.file(steps.rest(60), steps.end))
    text = client.text("<cmd>getdevinfo</cmd>")
    row = '    <channel ip="127.0.0.1" devtype="27" devid="33" subdevid="1" Channelid="{}">{}</channel>'
    assert text == golden(
        "getdevinfo_resp",
        '  <serverip count="1">',
        '    <server ip="127.0.0.1" port="3306" />',
        "  </serverip>",
        '  <middle count="2">',
        row.format(1, "false"),
        row.format(2, "true"),
        "  </middle>",
    )
    client.bench.advance_to(61.0)
    assert "false" not in client.text("<cmd>getdevinfo</cmd>")


def test_a_newer_client_adds_version_elements(make_client):
    # 2.2, client 2025.11.24
    root = make_client(options={"modern_client": True}).ask("<cmd>getdevinfo</cmd>")
    assert [child.tag for child in root] == ["cmd", "client", "serverip", "middle"]
    assert root.find("serverip/server/dev/xwj") is not None


def test_an_idle_row_of_inquire_lacks_the_step_number(client):
    # 2.4; captured layout of idle rows
    text = client.text(
        f'<cmd>inquire</cmd><list count="1"><inquire {ADDRESS} aux="0" barcode="1">true</inquire></list>'
    )
    assert text == golden(
        "inquire_resp",
        '  <list count="1">',
        '    <inquire dev="27-33-1-1-0" cycle_id="1" step_type="--" workstatus="finish" barcode="" current="0" '
        'voltage="0" capacity="0" energy="0" totaltime="0" relativetime="0" open_or_close="0" log_code="0" />',
        "  </list>",
    )


def test_a_working_row_of_inquire_has_step_times_in_seconds_and_amperes(client, steps):
    # 2.4: 0.785398 mA after 1800 s: 0.0008 A, 0.0004 Ah (coarse)
    client.start(1, steps.file(steps.rest(60), steps.charge(0.785398, Time=3600000), steps.end), "LiZn-007")
    client.bench.advance_to(1860.0)
    row = client.inquire(1)
    assert list(row) == [
        "dev", "cycle_id", "step_id", "step_type", "workstatus", "barcode", "current", "voltage", "capacity",
        "energy", "totaltime", "relativetime", "open_or_close", "log_code",
    ]  # fmt: skip
    assert (row["step_id"], row["step_type"], row["workstatus"]) == ("2", "cc", "working")
    assert (row["current"], row["capacity"]) == ("0.0008", "0.0004")
    assert (row["totaltime"], row["relativetime"], row["log_code"]) == ("1860", "1800", "102000")
    assert client.status(1) == row["workstatus"]


def test_barcode_is_there_only_when_asked_and_stays_after_the_end(client, steps):
    # 2.4
    run_one_minute(client, steps)
    plain = client.text(f'<cmd>inquire</cmd><list count="1"><inquire {ADDRESS}>true</inquire></list>')
    assert "barcode" not in plain
    assert client.inquire(1)["barcode"] == "LiZn-007"


def test_inquire_of_an_unknown_channel_gives_false_and_zeros(client):
    # 2.4 (C)
    row = client.inquire(1, unit=9)
    assert row["dev"] == "27-33-9-1-0"
    assert row["workstatus"] == "false" and row["voltage"] == "0"


def test_inquiredf_names_test_and_count_and_says_when_it_is_over(client, steps):
    # 2.5, 2.2 of 3.2: a never used channel has test 0
    body = f'<cmd>inquiredf</cmd><list count="1"><chl {ADDRESS4} testid="0" /></list>'
    assert client.text(body) == golden(
        "inquiredf_resp",
        '  <list count="1">',
        f'    <chl {ADDRESS4} testid="0" count="0">true</chl>',
        "  </list>",
    )
    client.start(1, steps.file(steps.rest(60), steps.end, record='<Time Value="20000" />'))
    client.bench.advance_to(40.0)
    assert client.progress(1) == (1, 3, "false")
    client.bench.advance_to(60.0)
    assert client.text(body) == golden(
        "inquiredf_resp",
        '  <list count="1">',
        f'    <chl {ADDRESS4} testid="1" count="4">true</chl>',
        "  </list>",
    )
    assert len(client.records(1)) == 4


def test_download_has_the_misspelt_name_the_real_test_id_and_the_captured_row(client, steps):
    # 1.3 (spelling), 2.6, 4.1
    run_one_minute(client, steps)
    text = client.text(
        f'<cmd>download</cmd><download {ADDRESS4} auxid="0" testid="0" startpos="3" count="2"/>'
    )
    row = (
        '    <data seqid="{}" stepid="1" cycleid="1" steptype="rest" testtime="{}" atime="2026-01-01 00:00:{}" '
        'volt="0" curr="0" cap="0" eng="0" />'
    )
    assert text == golden(
        "donwload_resp",
        f'  <download {ADDRESS4} testid="1" startpos="3" count="2" auxid="0" />',
        '  <list count="2">',
        row.format(3, 40000, "40"),
        row.format(4, 60000, "00").replace("00:00:00", "00:01:00"),
        "  </list>",
    )


def test_download_arithmetic_at_its_edges(client, steps):
    # 2.6; 7.2.7
    client.start(1, steps.file(steps.rest(1500), steps.end))
    client.bench.advance_to(1500.0)
    assert client.progress(1)[1] == 1501

    def numbers(first: int, count: int) -> list[int]:
        return [int(row["seqid"]) for row in client.page(1, first, count)]

    assert numbers(0, 0) == []
    assert numbers(1, 1) == [1]
    assert numbers(1501, 10) == [1501]
    assert numbers(1502, 10) == []
    assert numbers(1, 5000) == list(range(1, 1001))
    assert numbers(1001, 1000) == list(range(1001, 1502))
    assert client.page(1, 1, 10, test_id=99) == []
    empty = client.text(
        f'<cmd>download</cmd><download {ADDRESS4} auxid="0" testid="0" startpos="0" count="0"/>'
    )
    assert empty == golden(
        "donwload_resp",
        f'  <download {ADDRESS4} testid="1" startpos="0" count="0" auxid="0" />',
        '  <list count="0" />',
    )


def test_the_right_spelling_is_a_setting(make_client):
    # 1.3: the manual's form
    client = make_client(options={"right_spelling": True})
    text = client.text(f'<cmd>downloadlog</cmd><download {ADDRESS4} testid="0"/>')
    assert "<cmd>downloadlog_resp</cmd>" in text


def test_old_tests_of_a_channel_stay_downloadable(client, steps):
    # 2.6: testid of an older test
    for _ in range(2):
        client.start(1, steps.file(steps.rest(60), steps.end))
        client.bench.advance_to(client.bench.now_s + 61.0)
    assert client.progress(1) == (2, 61, "true")
    assert client.progress(1, test_id=1) == (1, 61, "true")
    assert client.records(1, test_id=1)[0]["atime"] == "2026-01-01 00:00:00"
    assert client.records(1, test_id=2)[0]["atime"] == "2026-01-01 00:01:01"


def test_the_step_layer_lists_executed_steps_and_the_one_in_progress(client, steps):
    # 2.7
    client.start(1, steps.file(steps.rest(60), steps.charge(0.5, Time=60000), steps.end))
    client.bench.advance_to(90.0)
    text = client.text(f"<cmd>downloadStepLayer</cmd><downloadStepLayer {ADDRESS4} />")
    assert f'  <downloadStepLayer {ADDRESS4} testid="1" />\r\n  <list count="2">' in text
    assert (
        '    <data startseqid="1" endseqid="61" stepindex="1" stepid="1" cycleid="1" steptype="rest" '
        'steptime="60000" endatime="2026-01-01 00:01:00" startvolt="0" endvolt="0" startcurr="0" endcurr="0" '
        'cap="0" eng="0" dcir="0" />\r\n'
    ) in text
    running = client.layer(1)[1]
    assert (running["startseqid"], running["endseqid"], running["steptime"]) == ("62", "92", "30000")


def test_the_log_shows_test_events_at_level_0_and_step_events_above(client, steps):
    # 2.8: 100000 first, 100001 last
    run_one_minute(client, steps)
    text = client.text(f'<cmd>downloadlog</cmd><download {ADDRESS4} testid="0"/>')
    assert text == golden(
        "donwloadlog_resp",
        f'  <download {ADDRESS4} testid="1" log_lever="0" />',
        '  <list count="2">',
        '    <data seqid="1" log_code="100000" atime="2026-01-01 00:00:00" />',
        '    <data seqid="2" log_code="100001" atime="2026-01-01 00:01:00" />',
        "  </list>",
    )
    assert client.log(1, level=1) == [100000, 100012, 102001, 100056, 100001]


def test_start_and_stop_answer_row_by_row(client, steps):
    # 2.9, 2.10
    path = client.save(steps.file(steps.rest(60), steps.end))
    backup = '<backup backupdir="x" remotedir="" filenametype="0" backupontime="1" />'
    text = client.text(
        f'<cmd>start</cmd><list count="2"><start {ADDRESS} barcode="b">{path}</start>'
        f'<start {SECOND} barcode="b">{path}.none</start>{backup}</list>'
    )
    assert text == golden(
        "start_resp",
        '  <list count="2">',
        f"    <start {ADDRESS}>ok</start>",
        f"    <start {SECOND}>false</start>",
        "  </list>",
    )
    stop = f'<cmd>stop</cmd><list count="1"><stop {ADDRESS}>true</stop></list>'
    assert client.text(stop) == golden(
        "stop_resp", '  <list count="1">', f"    <stop {ADDRESS}>ok</stop>", "  </list>"
    )
    assert ">false<" in client.text(stop)


def test_every_number_of_a_long_test_reads_as_a_number(make_client, steps):
    # 4.1, 7.2.8: a popular client takes a text without decimal point as an integer
    client = make_client(variants=["PEO-P"], profile="calibrated")
    client.start(1, steps.file(steps.charge(0.07854, Time=600000), steps.rest(60), steps.end))
    client.bench.advance_to(700.0)
    for row in client.records(1):
        for name in ("volt", "curr", "cap", "eng"):
            value = row[name]
            float(value) if "." in value else int(value)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["atime"])


def test_the_small_write_commands_answer_in_the_common_form(client, steps):
    # 2.10
    assert client.row("light", "light", 1) == "ok"
    assert client.row("light", "light", 1, "false") == "ok"
    assert client.row("clearflag", "clearflag", 1) == "false"
    assert client.row("resetalarm", "resetalarm", 1, "") == "false"
    assert client.row("chl_ctrl", "chl_ctrl", 1, "1") == "ok"
    assert client.inquire(1)["open_or_close"] == "1"
    assert client.row("parallel", "parallel", 1, "") == "ok"
    assert client.row("getparallel", "parallel", 1, "") == "0"
    assert client.row("light", "light", 99) == "false"
    client.start(1, steps.file(steps.rest(60), steps.end))
    client.start(2, steps.file(steps.rest(60), steps.end))
    body = '<cmd>broadcaststop</cmd><list count="1"><stop ip="127.0.0.1" devtype="27" devid="33">true</stop></list>'
    assert [row.text for row in client.ask(body).findall("list/stop")] == ["ok"]
    assert [client.status(channel) for channel in (1, 2, 3)] == ["stop", "stop", "finish"]


def test_reset_replaces_the_file_of_a_running_test_and_answers_without_a_list(client, steps):
    # 2.10 and 4.2: a record now, one more 0.1 s later, the grids start again; testtime runs on
    client.start(1, steps.file(steps.rest(600), steps.end, record='<Time Value="60000" />'))
    client.bench.advance_to(90.0)
    path = client.save(steps.file(steps.rest(300), steps.end, record='<Time Value="100000" />'))
    root = ElementTree.fromstring(
        client.text(f"<cmd>reset</cmd><reset {ADDRESS}>{path}</reset>").removesuffix("\n\n#\r\n")
    )
    assert [child.tag for child in root] == ["cmd", "reset"]
    assert root.findtext("reset") == "ok"
    client.bench.advance_to(1000.0)
    times = [int(row["testtime"]) for row in client.records(1)]
    assert times == [0, 60000, 90000, 90100, 190000, 290000, 300000]
    assert client.log(1) == [100000, 100215, 100213, 100007, 100001]


def test_step_time_total_time_and_wall_clock_tell_one_story(client, steps):
    # 7.2.17: testtime (ms, step), totaltime (s, test), atime (wall) at many moments
    client.bench.advance_to(12345.6)
    client.start(1, steps.file(steps.rest(90), steps.charge(0.5, Time=120500), steps.rest(60), steps.end))
    for moment in (0.0, 10.0, 89.9, 90.0, 150.3, 210.5, 250.0):
        client.bench.advance_to(12345.6 + moment)
        live, last = client.inquire(1), client.records(1)[-1]
        assert float(live["totaltime"]) == pytest.approx(moment, abs=0.11)
        start_s = {"1": 0.0, "2": 90.0, "3": 210.5}[live["step_id"]]
        assert float(live["relativetime"]) == pytest.approx(moment - start_s, abs=0.11)
        assert last["stepid"] == live["step_id"]
        assert int(last["testtime"]) / 1000 <= float(live["relativetime"]) + 0.1
    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    starts = {"1": 12345.6, "2": 12435.6, "3": 12556.1}
    for row in client.records(1):
        wall_s = (datetime.fromisoformat(row["atime"] + "+00:00") - epoch).total_seconds()
        assert wall_s == int(starts[row["stepid"]] + int(row["testtime"]) / 1000 + 1e-6)
