"""The state folder: a bench comes back after a SIGKILL as an instrument that lost power (virtual-time 4.6)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from labctl_simulators.state import StateFolder

from labctl.errors import StoreError, UserInputError


def test_a_killed_bench_comes_back_with_the_same_records_ids_ages_and_time(spawn, p1, tmp_path):
    arguments = ("--mode", "lockstep", "--bench", "demo", "--state", str(tmp_path / "state"))
    bench = spawn(*arguments)
    client, leader = bench.client(), bench.admin()
    leader("lead", on_loss="freeze")
    assert client.start(1, p1(50)) == "ok"
    leader("grant", until_s=5000.0)
    assert client.start(2, p1(2)) == "ok"
    leader("grant", until_s=20000.0)
    rows = [client.rows(channel) for channel in (1, 2)]
    truth = leader("truth", slot="1-1")
    port = bench.port()
    bench.kill()

    bench = spawn(*arguments)
    client, leader = bench.client(), bench.admin()
    assert leader("hello")["plant_s"] == 20000.0
    assert bench.port() == port
    assert [client.status(channel) for channel in (1, 2)] == ["stop", "finish"]
    assert client.progress(1) == (1, len(rows[0]) + 1, "true") or client.rows(1) == rows[0]
    assert client.rows(1)[: len(rows[0])] == rows[0] and client.rows(2) == rows[1]
    after = leader("truth", slot="1-1")
    assert after["cell"] == truth["cell"] and after["commands"] == truth["commands"]
    assert client.start(1, p1(1)) == "ok" and client.progress(1)[0] == 3


def test_each_energising_command_is_in_the_truth_log_exactly_once_over_many_kills(spawn, p1, tmp_path):
    arguments = ("--mode", "lockstep", "--bench", "demo", "--state", str(tmp_path / "state"))
    for number in range(1, 4):
        bench = spawn(*arguments)
        client, leader = bench.client(), bench.admin()
        leader("lead", on_loss="freeze")
        assert client.start(1, p1(50)) == "ok"
        leader("grant", until_s=number * 3000.0)
        commands = leader("truth", slot="1-1")["commands"]
        assert [entry["testid"] for entry in commands] == list(range(1, number + 1))
        bench.kill()


def test_the_bench_of_a_state_folder_is_kept_and_another_seed_refused(spawn, tmp_path):
    from labctl.cli.app import main

    state = tmp_path / "state"
    bench = spawn("--mode", "lockstep", "--seed", "11", "--bench", "demo", "--state", str(state))
    bench.end()
    again = spawn("--mode", "lockstep", "--state", str(state))
    assert again.first["seed"] == 11
    assert (state / "station.yaml").is_file()
    again.end()
    assert main(["sim", "--seed", "12", "--state", str(state)]) != 0


def test_one_folder_serves_one_bench_at_a_time(spawn, tmp_path):
    state = tmp_path / "state"
    spawn("--mode", "lockstep", "--state", str(state))
    with pytest.raises(UserInputError, match="Another virtual bench"):
        StateFolder(state)


def test_a_torn_last_line_is_cut_off_and_damage_before_it_is_named(tmp_path: Path):
    folder = StateFolder(tmp_path)
    folder.write({"t": 1.0, "do": "grant"}, durable=True)
    folder.write({"t": 2.0, "do": "grant"}, durable=False)
    folder.close()
    journal = tmp_path / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"t": 3.0, "do"')
    folder = StateFolder(tmp_path)
    assert [entry["t"] for entry in folder.entries()] == [1.0, 2.0]
    assert journal.read_bytes() == whole
    folder.write({"t": 3.0, "do": "grant"}, durable=True)
    assert [entry["t"] for entry in folder.entries()] == [1.0, 2.0, 3.0]
    journal.write_bytes(whole[:5] + b"\n" + whole)
    with pytest.raises(StoreError, match="line 1"):
        list(folder.entries())
    folder.close()


def test_a_command_is_on_disk_before_its_answer(p1, tmp_path, monkeypatch):
    from labctl_simulators.bench import open_bench

    bench, folder = open_bench({"bench": "demo"}), StateFolder(tmp_path / "state")
    bench.sink = folder
    link = bench.connect("neware")
    row = f'<start devtype="27" devid="33" subdevid="1" chlid="1" barcode="x">{p1(1)}</start>'
    reply = link.receive(
        f'<bts version="1.0"><cmd>start</cmd><list count="1">{row}</list></bts>#\r\n'.encode()
    )
    assert b">ok<" in reply
    entries = list(folder.entries())
    assert [entry["do"] for entry in entries] == ["request"]
    assert json.loads((tmp_path / "state" / "journal.jsonl").read_text())["files"]
    refused = link.receive(
        f'<bts version="1.0"><cmd>start</cmd><list count="1">{row}</list></bts>#\r\n'.encode()
    )
    assert b">false<" in refused and len(list(folder.entries())) == 2
    listing = link.receive(b'<bts version="1.0"><cmd>getdevinfo</cmd></bts>#\r\n')
    assert b"getdevinfo_resp" in listing and len(list(folder.entries())) == 2
    bench.admin({"do": "fault", "instrument": "neware", "kind": "hang"})
    bench.admin({"do": "chamber.door", "name": "oven-60", "open": True})
    assert [entry["do"] for entry in folder.entries()] == ["request", "request", "admin"]
    folder.close()
