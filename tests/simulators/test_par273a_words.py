"""A 273/273A on its wires: identity, handshake, errors, set points, ranges, overloads, both terminators, curves.

Numbers in brackets are the conformance cases of potentiostat.md section 5.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from labctl_simulators.bench import Bench, open_bench
from labctl_simulators.par273a.words import phrases

from labctl.errors import UserFileError

BOX_WORDS = ("mode 1", "auto 0", "eos 3", "eoi 1", "eot_enable 0", "read_tmo_ms 3000", "addr 14")


def bench_of(**keys: Any) -> Bench:
    """Return a bench with a 273A ``par`` that has no errors, on D1 unless the keys say otherwise."""
    entry = {"name": "par", "kind": "par273a", "model": "273A", "profile": "ideal", "dummy": "D1", **keys}
    cells = [{"cell_id": "A", "variant": "LTO-P", "x": 0.5}] if "cell" in keys else []
    if "cell" in keys:
        del entry["dummy"]
    spec = {"labctl": "bench/1", "instruments": [], "cells": cells, "potentiostats": [entry]}
    return open_bench(spec)


class Gpib:
    """A client of the box that keeps the handshake: it polls before every write and every read."""

    def __init__(self, **keys: Any) -> None:
        self.end = "\r" if keys.get("terminator") == "cr" else "\r\n"
        self.bench = bench_of(**keys)
        self.link: Any = self.bench.connect("par")
        for word in BOX_WORDS:
            assert self.send(f"++{word}\n") == b""

    def send(self, text: str) -> bytes:
        return bytes(self.link.receive(text.encode("latin-1")))

    def write(self, line: str) -> None:
        escaped = "".join(f"\x1b{sign}" if sign in "\r\n\x1b+" else sign for sign in line + self.end)
        self.send(escaped + "\n")

    @property
    def status(self) -> int:
        return int(self.send("++spoll\n"))

    def read(self) -> str:
        return self.send("++read eoi\n").decode("latin-1")

    def ask(self, line: str) -> str:
        """Write a line and return what is ready, without the terminator; empty where nothing is."""
        assert self.status & 1
        self.write(line)
        if not self.status & 128:
            return ""
        said = self.read()
        assert said.endswith(self.end), said
        return said.removesuffix(self.end)

    def do(self, *lines: str) -> None:
        for line in lines:
            assert self.ask(line) == ""
            assert self.status & 3 == 1, line

    def wait(self, seconds: float) -> None:
        self.bench.advance_to(self.bench.now_s + seconds)

    def current_A(self) -> float:
        mantissa, exponent = self.ask("READI").split(",")
        return int(mantissa) * 10.0 ** int(exponent)

    def truth(self) -> dict[str, Any]:
        return self.bench.admin({"do": "truth", "slot": "par"})

    def fault(self, kind: str, **fields: Any) -> None:
        reply = self.bench.admin({"do": "fault", "instrument": "par", "kind": kind, **fields})
        assert reply["ok"], reply


# -- identity, log, errors ---------------------------------------------------------------------------------


def test_it_answers_who_it_is_and_where_its_switches_stand() -> None:
    par = Gpib()
    assert [par.ask(word) for word in ("ID", "VER", "CS", "DUMMY", "ERR")] == ["2731", "202", "1", "0", "0"]
    assert [par.ask(word) for word in ("CELL", "I/E", "MODE", "TMB", "IRUPT", "IRPC", "DD", "ST")] == [
        "0", "-3", "2", "4000", "250", "100", "44", "1",
    ]  # fmt: skip


def test_the_public_log_is_said_again_with_its_poll_bytes() -> None:
    """PA-1, LESZ: READI in DD 13; 0x11 idle with overload, 0xA4 and 0x25 after a curve and sweep, 0xB4 and 0x35."""
    par = Gpib(dummy="resistor", resistance_ohm=1e5)
    par.do("DD 13", "SETE -1115", "CELL 1", "I/E -5")
    par.write("READI")
    assert par.status == 0x80
    assert par.read() == "1115\r-8\r\n"
    assert par.status == 0x01
    par.do("I/E -6")
    assert par.status == 0x11
    par.do("I/E -5", "MM 2", "FP 0", "LP 3", "NC", "TC")
    par.wait(1.0)
    assert par.status == 0x25
    par.write("ID")
    assert par.status == 0xA4
    assert par.read() == "2731\r\n" and par.status == 0x25
    par.do("I/E -6")
    assert par.status == 0x35
    par.write("ID")
    assert par.status == 0xB4


def test_a_read_without_a_reply_is_error_five_and_says_nothing() -> None:
    """PA-2."""
    par = Gpib()
    assert par.read() == ""
    par.wait(3.1)  # the box has given up by then
    assert par.status == 0x03
    assert par.ask("ERR") == "5" and par.status == 0x01


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("FOO", 2), ("SETE 9000", 3), ("SETE -8001", 3), ("I/E 1", 3), ("I/E -8", 3), ("EGAIN 7", 3),
        ("CELL 2", 3), ("SETE 1 2", 3), ("SETE 1.5", 6), ("SETE x", 6), ("MODE 1;SETE 100", 11),
        ("IRX 0 1000 1000", 3), ("COPY 0 6", 3), ("LC 1000 100", 3), ("DP 1024", 3), ("MIE 1", 2),
        ("USR1", 3), ("TC;READI", 12), ("SETI 2001 -6", 3), ("SETI 1000 0", 3), ("???", 2), ("x" * 2000, 4),
    ],
)  # fmt: skip
def test_every_slip_has_its_code_which_stays_until_it_is_asked(line: str, code: int) -> None:
    """PA-3: the error bit stands in the status byte until ``ERR`` has told the code."""
    par = Gpib()
    par.write(line)
    assert par.status & 2
    assert par.ask("VER") == "202" and par.status & 2
    assert par.ask("ERR") == str(code)
    assert par.status & 3 == 1 and par.ask("ERR") == "0"


def test_several_commands_of_a_line_answer_one_after_another_and_stop_at_a_slip() -> None:
    par = Gpib()
    assert par.ask("id ; ver; SETE 250 ;SETE") == "2731\r\n202\r\n250"
    assert par.ask("ID;FOO;SETE 300") == "2731"
    assert par.ask("ERR") == "2" and par.ask("SETE") == "250"


def test_a_line_that_comes_while_a_reply_waits_is_done_and_the_reply_is_lost() -> None:
    par = Gpib()
    par.do("SETE 100", "CELL 1")
    par.write("READI")
    par.write("CELL 0")
    assert not par.truth()["cell_on"]
    assert not par.status & 128 and par.ask("ERR") == "4"


def test_bit_0_is_clear_until_a_slow_reply_has_been_taken_and_nothing_is_lost() -> None:
    """PA-8."""
    par = Gpib()
    par.fault("slow", delay_s=2.0)
    par.write("ID")
    assert par.status == 0
    par.wait(1.9)
    assert par.status == 0
    par.wait(0.2)
    assert par.status == 0x80 and par.read() == "2731\r\n" and par.status == 0x01
    par.fault("slow", delay_s=2.0)
    par.write("VER")
    assert par.read() == ""
    heard: list[bytes] = []
    par.link.attach(heard.append)
    par.wait(2.5)
    assert heard == [b"202\r\n"]


# -- at the cell -------------------------------------------------------------------------------------------


def test_one_volt_on_the_dummy_is_nine_milliamperes_of_oxidation_read_as_negative() -> None:
    """PA-5: American polarity."""
    par = Gpib()
    par.do("SETE 1000", "CELL 1")
    par.wait(1.0)
    assert par.current_A() == pytest.approx(-1.0 / 110.0, rel=1e-3)
    assert par.ask("READE") == "1000" and par.ask("EGAIN") == "5" and par.ask("I/E") == "-2"
    truth = par.truth()
    assert truth["cell_on"] and [event["what"] for event in truth["switched"]] == ["cell_on"]


def test_a_galvanostat_drives_the_current_of_opposite_sign_and_reads_it_so() -> None:
    par = Gpib()
    par.do("MODE 1", "SETI -1000 -6", "CELL 1")
    par.wait(1.0)
    assert par.ask("SETI") == "-1000,-6"
    assert par.ask("READE") == "110" and par.current_A() == pytest.approx(-1e-3)
    assert par.ask("I/E") == "-3"  # the galvanostat does not range by itself


def test_the_enable_switch_at_the_front_overrides_the_software() -> None:
    """PA-4."""
    par = Gpib()
    par.fault("disabled")
    par.do("SETE 1000", "CELL 1")
    assert par.ask("CS") == "0" and par.ask("CELL") == "1" and not par.truth()["cell_on"]
    par.fault("disabled", on=False)
    assert par.ask("CS") == "1" and par.truth()["cell_on"]
    par.fault("disabled")
    assert not par.truth()["cell_on"]


def test_open_circuit_is_read_with_the_cell_off_and_no_current_flows() -> None:
    par = Gpib(dummy="D3")
    assert abs(int(par.ask("READE")) - 3305) <= 5 and par.current_A() == 0.0
    assert par.ask("EGAIN") == "1"
    par.do("ESUP 1500")
    assert abs(int(par.ask("READE")) - 305) <= 5


def test_an_overload_is_told_now_and_since_last_and_forces_a_range_up_under_auto_range() -> None:
    par = Gpib(dummy="resistor", resistance_ohm=1000)
    par.do("SETE 1000", "I/E -4", "CELL 1")
    assert par.ask("OVER;SETE 100;OVER") == "1,1,0\r\n0,1,0"
    par.do("SETE 1000")
    assert par.ask("OVER") == "1,1,0" and par.status & 16
    par.do("SETE 100")
    assert par.ask("OVER") == "0,1,0" and par.ask("OVER") == "0,0,0" and not par.status & 16
    par.do("AR 1", "SETE 1000")
    assert not par.status & 16 and par.ask("I/E") == "-3"
    assert par.ask("OVER") == "0,1,0"


def test_auto_range_keeps_the_monitor_between_15_and_190_percent_of_a_range() -> None:
    par = Gpib(dummy="resistor", resistance_ohm=1000)
    par.do("CELL 1")
    for potential_mV, code in ((1850, "-3"), (1950, "-2"), (290, "-3"), (140, "-4"), (10, "-5")):
        par.do(f"SETE {potential_mV}", "AS")
        assert par.ask("I/E") == code, potential_mV


def test_a_potential_beyond_the_electrometer_is_an_overload_of_potential() -> None:
    par = Gpib(dummy="resistor", resistance_ohm=50_000)
    par.do("MODE 1", "SETI 1000 -6", "CELL 1")
    assert par.ask("READE") == "-10000" and par.ask("OVER") == "2,2,0"


def test_settings_survive_the_power_and_the_cell_does_not() -> None:
    par = Gpib()
    par.do("SETE 321", "DD 32", "I/E -2", "CELL 1")
    par.fault("power_cut")
    assert not par.truth()["cell_on"] and not par.truth()["connected"]
    par.link = par.bench.connect("par")
    assert [par.ask(word) for word in ("SETE", "DD", "I/E", "CELL")] == ["321", "32", "-2", "0"]
    par.do("DCL")
    assert [par.ask(word) for word in ("SETE", "DD", "I/E")] == ["0", "32", "-3"]


def test_the_mask_asks_for_service_and_the_box_tells_it() -> None:
    par = Gpib()
    assert par.send("++srq\n") == b"0\r\n"
    par.do("MSK 2")
    par.write("FOO")
    assert par.status == 0x43 and par.send("++srq\n") == b"1\r\n"


def test_interrupt_times_belong_to_a_range() -> None:
    par = Gpib()
    assert par.ask("IRX 0") == "10,10" and par.ask("IRX -4") == "75,75"
    par.do("IRX -4 20 30")
    assert par.ask("IRX -4") == "20,30" and par.ask("IRX -5") == "75,75"


def test_the_92_option_alone_knows_its_word() -> None:
    par = Gpib(model="273A/92")
    par.do("MIE 2")
    assert par.ask("MIE") == "2"


# -- curves and macros -------------------------------------------------------------------------------------


def test_a_staircase_is_loaded_played_and_recorded_as_the_handbook_does_it() -> None:
    """2.4.5: 4000 counts a volt at MR 2, current into DCV, potential behind it; bit 2 tells the end."""
    par = Gpib(dummy="resistor", resistance_ohm=1000)
    par.do("BIAS 500", "I/E -3", "MR 2", "MM 2", "PCV 3", "LC 0 5")
    par.do(*(str(count) for count in (0, 400, 800, 400, 0)))
    par.do("COPY 3,0", "SCV 0", "DCV 1", "SIE 3", "FP 0", "LP 4", "TMB 50000", "NC", "CELL 1", "TC")
    assert not par.status & 4 and par.truth()["running"]
    par.wait(0.3)
    assert par.status & 4 and par.status & 32
    par.do("PCV 1")
    assert [par.ask(f"DP {n}") for n in range(5)] == ["-500", "-600", "-700", "-600", "-500"]
    par.do("PCV 2")
    assert [par.ask(f"DP {n}") for n in range(5)] == ["500", "600", "700", "600", "500"]
    par.do("CLR")
    assert par.ask("DP 2") == "0"


def test_a_load_that_is_no_number_ends_with_a_slip() -> None:
    par = Gpib()
    par.do("LC 0 3", "7")
    par.write("seven")
    assert par.ask("ERR") == "6" and par.ask("DP 0") == "7" and par.ask("ID") == "2731"


def test_a_macro_keeps_its_semicolons_and_runs_when_called_bare() -> None:
    par = Gpib()
    par.do("USR1 SETE 120;CELL 1", 'TYPE hello; world"')
    assert par.ask("SETE") == "0"
    par.do("USR1")
    assert par.ask("SETE;CELL") == "120\r\n1"
    par.do("USR2 USR2")
    par.write("USR2")
    assert par.ask("ERR") == "4"


def test_numbers_may_stand_close_to_their_words() -> None:
    assert [(each.word, each.operands) for each in phrases("MODE2; I/E -5;COPY 3,0")] == [
        ("MODE", ("2",)), ("I/E", ("-5",)), ("COPY", ("3", "0")),
    ]  # fmt: skip


# -- RS-232 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("terminator", "end"), [("cr", b"\r"), ("crlf", b"\r\n")])
@pytest.mark.parametrize(("delimiter", "code"), [(b",", b"44"), (b"\r", b"13")])
def test_both_terminators_and_delimiters_say_the_same_on_both_links(
    terminator: str, end: bytes, delimiter: bytes, code: bytes
) -> None:
    """PA-6: on RS-232 ``*`` follows, ``?`` where a command was in error."""
    bench = bench_of(link="pty", terminator=terminator)
    line: Any = bench.connect("par")
    assert line.receive(b"DD " + code + end) == b"*"
    assert line.receive(b"ID" + end) == b"2731" + end + b"*"
    assert line.receive(b"SETE 1000" + end + b"CELL 1" + end) == b"**"
    bench.advance_to(1.0)
    assert line.receive(b"READI" + end) == b"-909" + delimiter + b"-5" + end + b"*"
    assert line.receive(b"FOO" + end) == b"?" and line.receive(b"ERR" + end) == b"2" + end + b"*"
    box: Any = bench.connect("par:gpib")
    box.receive(b"++addr 14\n++eos 3\n")
    box.receive(b"READI\n")
    assert box.receive(b"++read eoi\n") == b"-909" + delimiter + b"-5" + end


def test_a_serial_line_in_pieces_and_an_overlong_one() -> None:
    line: Any = bench_of(link="pty").connect("par")
    assert b"".join(line.receive(bytes([byte])) for byte in b"ID\r\nVER\r\n") == b"2731\r\n*202\r\n*"
    assert line.receive(b"x" * 3000 + b"\r") == b"?"
    assert line.receive(b"ERR\r") == b"4\r\n*"


# -- bench -------------------------------------------------------------------------------------------------


def test_a_cell_left_on_by_everybody_is_a_violation_and_a_curve_is_not() -> None:
    par = Gpib()
    par.do("SETE 100", "CELL 1")
    par.wait(100.0)
    assert par.bench.violations == []
    par.link.end()
    par.wait(61.0)
    assert [entry["kind"] for entry in par.bench.violations] == ["energised_unowned"]


def test_the_journal_brings_settings_and_cell_back() -> None:
    first, entries = Gpib(cell="A", lockin="7265", fra="1260"), list[dict[str, Any]]()
    first.bench.sink = type("Sink", (), {"write": lambda self, entry, durable: entries.append(dict(entry))})()
    first.do("DD 44", "SETE 1600", "CELL 1")
    first.ask("READI")
    first.ask("ID")
    first.send("++addr 12\nOA. 0.01\nOA.\n++addr 4\nFR2E+3\n++addr 14\n")
    first.wait(300.0)
    first.do("CELL 0")
    assert [line for entry in entries for line in entry["lines"]] == [
        "DD 44", "SETE 1600", "CELL 1", "READI", "OA. 0.01", "FR2E+3", "CELL 0",
    ]  # fmt: skip
    again = bench_of(cell="A", lockin="7265", fra="1260")
    for entry in json.loads(json.dumps(entries)):
        again.replay(entry)
    again.advance_to(first.bench.now_s)
    told, mine = again.admin({"do": "truth", "slot": "par"}), first.truth()
    assert told["cell"] == mine["cell"] and told["generators"] == mine["generators"]
    assert told["range_A"] == mine["range_A"]


def test_a_mistake_in_its_entry_is_named() -> None:
    with pytest.raises(UserFileError, match="has no model 'es4_hr'"):
        bench_of(model="es4_hr")
    with pytest.raises(UserFileError, match="7265, 7270, 7230"):
        bench_of(lockin="5210")
    with pytest.raises(UserFileError, match="0 to 30"):
        bench_of(address=12)
    reply = bench_of().admin({"do": "fault", "instrument": "par", "kind": "moths"})
    assert "disabled" in reply["error"] and "split" in reply["error"]
    assert "no 1260" in bench_of().admin({"do": "fault", "instrument": "par", "kind": "stale"})["error"]
