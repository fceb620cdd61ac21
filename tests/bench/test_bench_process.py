"""``labctl sim`` as a process: first line, files, lockstep, free, leaders, junk, many clients (7.2.15, 7.2.17)."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest


def test_the_first_line_names_what_serves_and_the_files_are_there(spawn):
    # the automation contract of `labctl sim --json`
    bench = spawn("--mode", "lockstep")
    first = bench.first
    assert first["schema"] == "labctl.sim/1" and first["seed"] == 7
    assert (first["mode"], first["speed"]) == ("lockstep", "max")
    neware = first["instruments"][0]
    assert {key: neware[key] for key in ("name", "kind", "host", "channels")} == {
        "name": "neware", "kind": "neware-bts", "host": "127.0.0.1", "channels": 16,
    }  # fmt: skip
    station = Path(first["station_file"]).read_text("utf-8")
    assert station.startswith("#") and f"tcp://127.0.0.1:{neware['port']}" in station
    with Path(first["cells_file"]).open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [cell["cell_id"] for cell in cells] == [f"C{n:04d}" for n in range(1, 17)]
    lfp = next(cell for cell in cells if cell["name"] == "LFP-P")
    assert (lfp["kind"], lfp["area_cm2"], lfp["active_mass_mg"]) == ("lfp_li", "0.785398", "0.92400")
    assert Path(first["steps_folder"]).is_dir()


def test_the_default_bench_holds_a_finished_and_a_running_test(spawn):
    bench = spawn("--mode", "lockstep")
    client = bench.client()
    test_id, count, over = client.progress(1)
    assert test_id > 0 and count >= 2500 and over == "true" and client.status(1) == "finish"
    assert len({row.split('steptype="')[1].split('"')[0] for row in client.rows(1)}) >= 3
    assert client.status(2) == "working"
    assert [client.status(channel, unit) for unit in (1, 2) for channel in range(3, 9)] == ["finish"] * 12


def test_lockstep_stands_still_between_grants_and_has_one_leader(spawn, p1):
    bench = spawn("--mode", "lockstep", "--bench", "demo")
    client, leader, other = bench.client(), bench.admin(), bench.admin()
    hello = leader("hello")
    assert hello["epoch_unix_s"] == 1767225600.0 and hello["plant_s"] == 0.0 and hello["mode"] == "lockstep"
    assert client.start(1, p1(3)) == "ok"
    assert client.progress(1) == (1, 1, "false")
    assert leader("grant", until_s=10.0)["ok"] is False
    assert leader("lead", on_loss="freeze")["ok"]
    refused = other("lead", on_loss="run")
    assert refused["ok"] is False and "leader" in refused["error"]
    assert other("grant", until_s=10.0)["ok"] is False
    assert leader("grant", until_s=300.0) == {"ok": True, "plant_s": 300.0}
    assert client.progress(1) == (1, 31, "false")
    assert leader("grant", until_s=200.0)["plant_s"] == 300.0
    bench.hang_up()
    again = bench.admin()
    assert again("hello")["plant_s"] == 300.0
    assert client.progress(1) == (1, 31, "false")
    assert again("lead", on_loss="freeze")["ok"]


def test_a_lost_leader_lets_plant_time_run_on_when_asked(spawn, p1):
    bench = spawn("--mode", "lockstep", "--speed", "100000", "--bench", "demo")
    client, leader = bench.client(), bench.admin()
    client.start(1, p1(3))
    assert leader("lead", on_loss="run")["ok"]
    assert leader("grant", until_s=100.0)["ok"]
    leader("fault", instrument="neware", kind="late", delay_s=0.1, command="getchlstatus", count=10**6)
    bench.hang_up()
    while client.status(1) == "working":
        pass
    assert client.status(1) == "finish"
    back = bench.admin()
    assert back("lead", on_loss="freeze")["plant_s"] >= 600 + 6 * 3600


def test_a_bad_admin_line_gets_an_error_and_the_link_lives_on(spawn):
    bench = spawn("--mode", "lockstep")
    host, port = bench.first["admin"].split(":")
    with socket.create_connection((host, int(port)), timeout=30) as link, link.makefile("rwb") as file:
        lead = b'{"do": "lead", "on_loss": 3}\n'
        for bad in (b"not json\n", b"[1, 2]\n", b'{"do": "fly"}\n', b'{"do": "grant"}\n', lead):
            file.write(bad)
            file.flush()
            assert json.loads(file.readline())["ok"] is False
        file.write(b'{"do": "hello"}\n{"do": "hello"}\n')
        file.flush()
        assert [json.loads(file.readline())["ok"] for _ in range(2)] == [True, True]


def test_requests_sent_before_a_grant_are_answered_before_it(spawn, p1):
    # virtual-time 3: grant
    bench = spawn("--mode", "lockstep", "--bench", "demo")
    client, leader = bench.client(), bench.admin()
    client.start(1, p1(3))
    leader("lead", on_loss="freeze")
    row = '<chl devtype="27" devid="33" subdevid="1" chlid="1" testid="0" />'
    request = f'<bts version="1.0"><cmd>inquiredf</cmd><list count="1">{row}</list></bts>#\r\n'.encode()
    for step in range(1, 40):
        before = client.progress(1)[1]
        client.socket.sendall(request)
        leader("grant", until_s=step * 100.0)
        assert f'count="{before}"'.encode() in client.reply()


@pytest.mark.slow
def test_mode_free_gives_the_same_rows_at_any_speed(spawn, p1):
    # acceptance 3 (b): 20 cycles of P1
    runs = []
    for speed in ("20000", "100000"):  # 2,000x takes 82 s; tests/e2e has it
        bench = spawn("--mode", "free", "--speed", speed, "--bench", "demo")
        client = bench.client()
        client.start(1, p1(20))
        # the bench itself slows the polling down: each answer comes half a second late
        bench.admin()(
            "fault", instrument="neware", kind="late", delay_s=0.5, command="inquiredf", count=10**6
        )
        while client.progress(1)[2] != "true":
            pass
        runs.append([row.split(' atime="')[0] + row.split('" volt')[1] for row in client.rows(1)])
        bench.end()
    assert len(runs[0]) > 14000 and runs[0] == runs[1]


def test_two_lockstep_lives_with_different_grants_have_the_same_rows(spawn, p1):
    # acceptance 3 (a), the simulator's part
    runs = []
    for speed, pace_s in (("max", 600.0), ("1e6", 1234.5)):
        bench = spawn("--mode", "lockstep", "--speed", speed, "--bench", "demo")
        client, leader = bench.client(), bench.admin()
        client.start(1, p1(5))
        leader("lead", on_loss="freeze")
        now_s = 0.0
        while client.progress(1)[2] != "true":
            now_s += pace_s
            leader("grant", until_s=now_s)
        runs.append(client.rows(1))
        bench.end()
    assert runs[0] == runs[1] and len(runs[0]) > 3600


def test_a_speed_bounds_the_pace_of_lockstep(spawn):
    # virtual-time 2: an upper bound; 1000 plant seconds at 2000 per second take at least half a second
    bench = spawn("--mode", "lockstep", "--speed", "2000", "--bench", "demo")
    leader = bench.admin()
    leader("lead", on_loss="freeze")
    leader("fault", instrument="neware", kind="late", delay_s=0.35, command="getchlstatus")
    client = bench.client()
    row = '<status devtype="27" devid="33" subdevid="1" chlid="1">true</status>'
    client.socket.sendall(
        f'<bts version="1.0"><cmd>getchlstatus</cmd><list count="1">{row}</list></bts>#\r\n'.encode()
    )
    assert leader("grant", until_s=1000.0)["plant_s"] == 1000.0
    client.socket.setblocking(False)
    assert client.socket.recv(1000)  # what was 0.35 s late has come before the grant was through


@pytest.mark.slow
def test_a_client_that_asks_and_does_not_read_is_answered_later_and_fills_no_memory(spawn):
    bench = spawn("--mode", "lockstep")
    greedy = bench.client()
    page = (
        b'<bts version="1.0"><cmd>download</cmd><download devtype="27" devid="33" subdevid="1" chlid="1" auxid="0" '
        b'testid="0" startpos="1" count="1000"/></bts>#\r\n'
    )
    greedy.socket.sendall(page * 300)  # 60 MB of answers
    assert bench.client().status(1) == "finish"
    if sys.platform == "linux":
        status = Path(f"/proc/{bench.process.pid}/status").read_text()
        peak_kB = int(status.split("VmHWM:")[1].split()[0])
        assert peak_kB < 150_000
    received, tail = 0, b""
    while received < 300:
        tail += greedy.socket.recv(1 << 20)
        received += tail.count(b"</bts>")
        tail = tail[-5:]  # shorter than the mark, so that no mark counts twice


def test_junk_huge_requests_and_vanishing_clients_leave_the_server_alive(spawn):
    # 7.2.15
    bench = spawn("--mode", "lockstep")
    half = socket.create_connection(("127.0.0.1", bench.port()))
    half.sendall(b'<bts version="1.0"><cmd>getdev')
    half.close()
    junk = bench.client()
    junk.socket.sendall(b"\x00\xff" * 5000 + b"#\r\n")
    assert b"error_resp" in junk.reply()
    big = bench.client()
    big.socket.sendall(b"<bts>" + b"A" * 10_000_000 + b"</bts>\n\n#\r\n")
    assert b"error_resp" in big.reply()
    deaf = bench.client()
    request = b'<bts version="1.0"><cmd>getdevinfo</cmd></bts>#\r\n'
    deaf.socket.sendall(request * 200)
    deaf.close()
    assert bench.client().status(1) == "finish"
    assert junk.status(1) == "finish" and bench.process.poll() is None


def test_many_clients_are_served_at_once(spawn):
    bench = spawn("--mode", "lockstep")
    clients = [bench.client() for _ in range(40)]
    answers: list[str] = []

    def talk(client):
        for _ in range(5):
            answers.append(client.status(2))

    threads = [threading.Thread(target=talk, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == ["working"] * 200


def test_injected_link_faults_reach_the_socket(spawn):
    # 7.2.16: delayed reply, dropped connection after n bytes, reboot
    bench = spawn("--mode", "lockstep")
    admin, client = bench.admin(), bench.client()
    admin("fault", instrument="neware", kind="late", delay_s=0.2)
    assert client.status(1) == "finish"
    admin("fault", instrument="neware", kind="drop", bytes=25)
    with pytest.raises(EOFError) as caught:
        client.status(1)
    assert len(caught.value.args[0]) == 25
    client = bench.client()
    assert client.status(2) == "working"
    admin("fault", instrument="neware", kind="reboot")
    with pytest.raises((EOFError, ConnectionError)):
        client.status(2)
    assert bench.client().status(2) == "stop"


def test_a_chamber_is_served_over_tcp(spawn):
    # temperature-chamber 2: read all inputs
    bench = spawn("--mode", "lockstep")
    with socket.create_connection(("127.0.0.1", bench.port("oven-60")), timeout=30) as link:
        link.sendall(bytes.fromhex("000100000006010400000006"))
        reply = link.recv(100)
    assert reply[:9].hex() == "00010000000f01040c" and reply[9:13].hex() == "00010000"


def run_sim(*arguments: str, folder: Path):
    import subprocess

    return subprocess.run(
        [sys.executable, "-m", "labctl", "sim", "--json", *arguments],
        capture_output=True, text=True, cwd=folder, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--speed", "quick"), "--speed quick"),
        (("--speed", "max"), "lockstep"),
        (("--speed", "0"), "above 0"),
        (("--bench", "nosuch"), "default, demo"),
        (("--port", "70000"), "65535"),
    ],
)
def test_wrong_arguments_get_one_paragraph_and_no_traceback(tmp_path, arguments, part):
    result = run_sim(*arguments, folder=tmp_path)
    assert result.returncode != 0 and result.stdout == ""
    assert part in result.stderr and "Traceback" not in result.stderr


def test_a_taken_port_is_named(spawn, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_sim("--port", str(port), folder=tmp_path)
    assert result.returncode != 0 and str(port) in result.stderr and "Traceback" not in result.stderr


def test_the_schema_is_printed_on_request(tmp_path):
    import jsonschema

    result = run_sim("--schema", folder=tmp_path)
    schema = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"labctl": "bench/1", "instruments": []}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"labctl": "bench/1", "instruments": [], "cels": []}, schema)


def test_a_terminated_bench_ends_with_exit_code_0(spawn):
    bench = spawn("--mode", "lockstep")
    bench.process.send_signal(signal.SIGTERM)
    assert bench.process.wait(60) == 0


def test_a_bench_that_belongs_to_a_parent_ends_when_the_parent_is_gone():
    # a killed parent closes its end of the pipe, as this test does
    words = ["--json", "--mode", "lockstep", "--bench", "demo", "--end-with-stdin"]
    command = [sys.executable, "-m", "labctl", "sim", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert json.loads(process.stdout.readline())["schema"] == "labctl.sim/1"
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_grant_held_back_for_a_day_at_a_slow_pace_goes_on_at_once_at_a_new_one(spawn):
    bench = spawn("--mode", "lockstep", "--speed", "1")
    leader, other = bench.admin(), bench.admin()
    leader("lead", on_loss="freeze")
    with ThreadPoolExecutor(1) as pool:
        granted = pool.submit(lambda: leader("grant", until_s=86_400.0))
        while other("hello")["plant_s"] < 86_400.0:
            pass
        other("pace", speed="max")
        assert granted.result(30.0)["plant_s"] == 86_400.0
