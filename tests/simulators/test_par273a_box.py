"""The Prologix box before the instruments: escapes, addresses, clients side by side, waiting reads, link faults."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_simulators.bench import Bench, open_bench


def bench_of(**keys: Any) -> Bench:
    """Return a bench with a 273A and a lock-in behind a box."""
    entry = {"name": "par", "kind": "par273a", "model": "273A", "profile": "ideal", "dummy": "D1", **keys}
    return open_bench(
        {"labctl": "bench/1", "instruments": [], "potentiostats": [{"lockin": "7270", **entry}]}
    )


def plugged(bench: Bench) -> Any:
    """Return a connection to the box, set up as a careful client does."""
    link = bench.connect("par")
    assert link.receive(b"++mode 1\n++auto 0\n++eos 3\n++eoi 1\n++read_tmo_ms 3000\n++addr 14\n") == b""
    return link


def test_escaped_bytes_reach_the_instrument_and_unescaped_ones_end_the_line() -> None:
    bench = bench_of()
    link = plugged(bench)
    link.receive(b"TYPE a\x1b+b\x1b\x1bc\x1b\r\x1b\nID\x1b\r\n")
    assert link.receive(b"++read eoi\n") == b"2731\r\n"
    assert link.receive(b"\x1b++addr 12\n++addr\n") == b"14\r\n"  # an escaped plus begins no word of the box
    assert link.receive(b"++spoll\n") == b"3\r\n"


def test_the_words_of_the_box_answer_set_and_are_ignored_where_unknown() -> None:
    link = plugged(bench_of())
    assert link.receive(b"++ver\n").startswith(b"Prologix GPIB-ETHERNET Controller version")
    assert link.receive(b"++eos\n++eoi\n++auto\n++mode\n++read_tmo_ms\n++eot_enable\n") == (
        b"3\r\n1\r\n0\r\n1\r\n3000\r\n0\r\n"
    )
    assert link.receive(b"++addr 31\n++read_tmo_ms 4000\n++llo\n++savecfg 0\n++\n") == b""
    assert link.receive(b"++addr\n++read_tmo_ms\n") == b"14\r\n3000\r\n"
    assert link.receive(b"++spoll 12\n++spoll 9\n++addr 9\n++spoll\n") == b"1\r\n0\r\n0\r\n"


@pytest.mark.parametrize("eos", [0, 1, 2, 3])
def test_what_the_box_appends_or_eoi_ends_a_command(eos: int) -> None:
    link = plugged(bench_of())
    link.receive(f"++eos {eos}\nID\n".encode())
    assert link.receive(b"++read eoi\n") == b"2731\r\n"


def test_without_eoi_and_appended_bytes_a_command_waits_for_its_end() -> None:
    link = plugged(bench_of())
    link.receive(b"++eoi 0\nI\nD\n")
    assert link.receive(b"++spoll\n") == b"1\r\n"
    link.receive(b"\x1b\r\n")
    assert link.receive(b"++read eoi\n") == b"2731\r\n"


def test_auto_reads_after_each_write_and_an_eot_character_follows_eoi() -> None:
    link = plugged(bench_of())
    assert link.receive(b"++auto 1\n++eot_enable 1\n++eot_char 33\nID\n") == b"2731\r\n!"


def test_a_device_clear_forgets_reply_and_half_a_line() -> None:
    link = plugged(bench_of())
    link.receive(b"ID\n++clr\n++eoi 0\nFO\n++clr\n++eoi 1\n")
    assert link.receive(b"++spoll\n") == b"1\r\n"
    link.receive(b"VER\n")
    assert link.receive(b"++read eoi\n") == b"202\r\n"


def test_the_stop_lane_is_heard_while_the_first_client_waits_for_a_reply() -> None:
    bench = bench_of()
    first = plugged(bench)
    first.receive(b"SETE 500\nCELL 1\n")
    assert bench.admin({"do": "fault", "instrument": "par", "kind": "slow", "delay_s": 100})["ok"]
    assert first.receive(b"READI\n++read eoi\nCELL 1\n") == b""
    second: Any = bench.connect("par")
    assert second.receive(b"++addr 14\nCELL 0\x1b\r\n") == b""
    assert not bench.admin({"do": "truth", "slot": "par"})["cell_on"]


def test_a_clients_own_lines_wait_behind_its_read_until_the_box_gives_up() -> None:
    bench = bench_of()
    link = plugged(bench)
    heard: list[bytes] = []
    link.attach(heard.append)
    assert link.receive(b"++read eoi\nID\n++read eoi\n") == b""
    bench.advance_to(2.9)
    assert heard == []
    bench.advance_to(3.1)
    assert heard == [b"2731\r\n"]


def test_the_address_is_one_for_the_box_and_each_client_hears_its_own_answers() -> None:
    bench = bench_of()
    first, second = plugged(bench), plugged(bench)
    second.receive(b"++addr 12\n")
    assert first.receive(b"++addr\nID\n") == b"12\r\n"
    assert second.receive(b"++read eoi\n") == b"7270\r\n"
    first.end()
    assert second.receive(b"++addr\n") == b"12\r\n"
    assert bench.admin({"do": "truth", "slot": "par"})["connected"]
    second.end()
    assert not bench.admin({"do": "truth", "slot": "par"})["connected"]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_bytes_in_any_pieces_are_the_same_lines(size: int) -> None:
    link = plugged(bench_of())
    data = b"++addr 14\r\nSETE \x1b+250;SETE\x1b\r\x1b\n\n++read eoi\n"
    said = b"".join(link.receive(data[at : at + size]) for at in range(0, len(data), size))
    assert said == b"250\r\n"


@pytest.mark.parametrize(
    ("kind", "fields", "heard"),
    [
        ("garble", {"bytes": 0}, b"'731\r\n"),
        ("silent", {}, b""),
        ("duplicate", {}, b"2731\r\n2731\r\n"),
        ("split", {"bytes": 2}, b"2731\r\n"),
        ("drop", {"bytes": 2}, b"27"),
    ],
)
def test_a_fault_of_the_link_hits_the_next_answer(kind: str, fields: dict[str, Any], heard: bytes) -> None:
    bench = bench_of()
    link = plugged(bench)
    assert bench.admin({"do": "fault", "instrument": "par", "kind": kind, **fields})["ok"]
    link.receive(b"ID\n")
    assert link.receive(b"++read eoi\n") == heard
    assert link.closed is (kind == "drop")


JUNK = (
    rb"++read eoi|++spoll|++addr 12|++addr 4|++eoi 0|READI|XY.|SI|TC|LC 0 9|DD 0|CELL 1|SETI 9 -99999999999"
    b"|SETE \xb2|++spoll \xb2|*ESE \xb2"
).split(b"|")


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from(JUNK).map(lambda word: word + b"\n")), max_size=12
    )
)
def test_after_any_bytes_whatever_a_careful_client_is_answered(pieces: list[bytes]) -> None:
    bench = bench_of(fra="1260", link="pty")
    links: list[Any] = [bench.connect(name) for name in ("par", "par:gpib", "par:lockin", "par:lockin-plain")]
    for link in links:
        link.receive(b"".join(pieces))
        bench.advance_to(bench.now_s + 1.0)
    link = bench.connect("par:gpib")
    link.receive(b"++mode 1\n++auto 0\n++eos 3\n++eoi 1\n++eot_enable 0\n++addr 14\n++clr\n")
    link.receive(b"\n".join(b"0" for _ in range(20)) + b"\nDCL;DD 44\nERR\n++read eoi\n")
    bench.advance_to(bench.now_s + 5.0)
    link.receive(b"ID\n")
    assert link.receive(b"++read eoi\n") == b"2731\r\n"


def test_faults_of_the_leads_are_seen_at_the_cell() -> None:
    bench = bench_of(dummy="resistor", resistance_ohm=1000)
    link = plugged(bench)
    for kind, heard in (("open_lead", b"0,-10"), ("short_lead", b"-1000,-3")):
        link.receive(b"SETE 1000\nCELL 1\n")
        assert bench.admin({"do": "fault", "instrument": "par", "kind": kind})["ok"]
        bench.advance_to(bench.now_s + 1.0)
        link.receive(b"READI\n")
        assert link.receive(b"++read eoi\n") == heard + b"\r\n", kind
        assert bench.admin({"do": "fault", "instrument": "par", "kind": kind, "on": False})["ok"]


def test_a_welded_relay_is_told_when_the_cell_is_switched_off() -> None:
    bench = bench_of()
    link = plugged(bench)
    assert bench.admin({"do": "fault", "instrument": "par", "kind": "welded"})["ok"]
    link.receive(b"SETE 100\nCELL 1\nCELL 0\nCELL\n")
    assert link.receive(b"++read eoi\n") == b"0\r\n"
    assert bench.admin({"do": "truth", "slot": "par"})["cell_on"]
    assert [entry["kind"] for entry in bench.violations] == ["cell_switch_welded"]
