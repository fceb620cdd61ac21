"""What the instrument answers outside and around scripts (potentiostat.md 2.1.2, 2.1.3, MS-1, MS-8, MS-11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Make = Callable[..., Any]
WAITING = "set_e 0\ncell_on\nwait 10\non_finished:\ncell_off"


def test_it_tells_who_it_is_and_refuses_what_it_does_not_know(wire: Make) -> None:
    link = wire(serial="ES4H21B0042")
    first, second = link.ask("t\n")
    assert first.startswith("tes4_hr1") and "#" in first and second == "R*"
    assert link.ask("i\n") == ["iES4H21B0042"]
    assert link.ask("v\n")[0][1:].isdigit()
    assert link.ask("Xyz\n") == ["X!0003"]
    assert link.ask("Z\n") == ["Z!0006"]


@pytest.mark.parametrize("command", ["Y", "h", "H"])
def test_words_for_a_running_script_are_refused_when_none_runs(wire: Make, command: str) -> None:
    assert wire().ask(command + "\n") == [command + "!0006"]


def test_the_features_are_bit_masks_with_the_bits_of_its_loops(wire: Make) -> None:
    pico, nexus = (int(wire(model=name).ask("CM\n")[0][2:], 16) for name in ("espico", "nexus1"))
    assert all(pico >> bit & 1 for bit in (24, 28, 30, 31)) and not pico >> 70 & 1
    assert nexus >> 70 & 1
    assert wire().ask("CC\n")[0].startswith("CC")


def test_after_an_error_input_is_dropped_for_fifty_to_a_hundred_milliseconds(wire: Make) -> None:
    link = wire()
    assert link.link.receive(b"Xyz\nt\n") == b"X!0003\n"
    link.wait(0.04)
    assert link.link.receive(b"t\n") == b""
    link.wait(0.11)
    assert link.link.receive(b"i\n").startswith(b"i")


def test_empty_lines_flush_and_say_nothing(wire: Make) -> None:
    assert wire().ask("\n\n\n") == []


def test_a_bad_word_is_named_by_line_and_column_and_the_next_command_works(wire: Make) -> None:
    link = wire()
    assert link.begin("var a\n  set_x 5\nvar b") == ["e!4001: Line 2, Col 3"]
    assert link.ask("i\n")[0].startswith("i")


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("var a\nvar a", "e!4026: Line 2, Col 5"),
        ("store_var a 1 ja", "e!420B: Line 1, Col 11"),
        ("var a\nstore_var a 1.5 ja", "e!4039: Line 2, Col 13"),
        ("var a\nstore_var a 1 zz", "e!0002: Line 2, Col 15"),
        ("wait -1", "e!4200: Line 1, Col 6"),
        ("set_max_bandwidth 0", "e!4204: Line 1, Col 19"),
        ("set_e", "e!0007: Line 1, Col 6"),
        ("cell_on now", "e!0007: Line 1, Col 9"),
        ("set_e \u00e9", "e!4004: Line 1, Col 7"),
        ("pck_end", "e!401B: Line 1, Col 1"),
        ("var a\nmeas_loop_ocp a 1 2", "e!4018: Line 2, Col 1"),
        ("var a\nmeas_loop_ocp a 1 2\nmeas_loop_ocp a 1 2\nendloop", "e!400B: Line 3, Col 1"),
        ("# " + "x" * 260, "e!0008: Line 1, Col 256"),
    ],
)
def test_a_wrong_script_is_refused_whole_with_its_code(wire: Make, script: str, answer: str) -> None:
    link = wire()
    assert link.begin(script) == [answer]
    assert not link.bench.parts.potentiostats["ps"].running


def test_a_script_may_be_loaded_and_run_again_and_again(wire: Make) -> None:
    link = wire()
    assert link.ask("r\n") == ["r!000C"]
    assert link.ask('l\nsend_string "hello"\n\n') == ["l"]
    for _ in range(2):
        assert link.ask("r\n") == ["r", "Thello", ""]


def test_comments_and_carriage_returns_and_flow_bytes_are_not_there(wire: Make) -> None:
    link = wire()
    assert link.ask('e\r\n# note\r\n\x13send_string "a;b"\x11 # end\r\n\r\n') == ["e", "Ta;b", ""]


def test_a_script_in_pieces_is_the_same_script(wire: Make) -> None:
    link, said = wire(), b""
    for byte in b'e\nvar x\nsend_string "ok"\n\n':
        said += link.link.receive(bytes([byte]))
    assert said == b"e\nTok\n\n"


def test_an_abort_runs_on_finished_and_ends_with_the_empty_line(wire: Make) -> None:
    link = wire(dummy="D1")
    assert link.begin(WAITING) == ["e"]
    link.wait(2.0)
    assert link.truth()["cell_on"]
    assert link.ask("Z\n") == ["Z", ""]
    assert not link.truth()["cell_on"] and not link.truth()["running"]


def test_an_abort_inside_a_loop_closes_it_and_keeps_what_was_said(wire: Make, spectrum: Make) -> None:
    link = wire(dummy="D1")
    lines = link.begin(spectrum()) + link.wait(25.0)
    assert 40 < len(lines) < 60
    assert link.ask("Z\n") == ["Z", "*", ""]
    assert not link.truth()["cell_on"]


def test_a_loop_may_be_left_early_and_the_script_goes_on(wire: Make) -> None:
    link = wire(dummy="D1")
    link.begin('var p\nmeas_loop_ocp p 1 100\npck_start\npck_add p\npck_end\nendloop\nsend_string "on"')
    assert len(link.wait(3.0)) == 3
    assert link.ask("Y\n") == ["Y", "*", "Ton", ""]


def test_a_halted_script_stands_still_and_keeps_its_remaining_time(wire: Make) -> None:
    link = wire(dummy="D1")
    link.begin(WAITING)
    link.wait(4.0)
    assert link.ask("h\n") == ["h"]
    link.wait(1000.0)
    assert link.truth()["running"] and link.truth()["cell_on"]
    assert link.ask("H\n") == ["H"]
    assert link.wait(5.9) == [] and link.wait(0.2) == [""]


def test_no_second_script_while_one_runs(wire: Make) -> None:
    link = wire(dummy="D1")
    link.begin(WAITING)
    assert link.ask("e\n") == ["e!0006"]
    assert link.ask("t\n") == ["t!0006"]


def test_a_bootloader_answers_to_its_name_alone(wire: Make) -> None:
    link = wire()
    link.fault("bootloader")
    link.link = link.bench.connect("ps")
    assert link.ask("t\n")[0].startswith("tespbl")
    assert link.ask("i\n") == ["i!0003"]


def test_who_connects_last_has_the_line_and_the_script_goes_on(wire: Make) -> None:
    link = wire(dummy="D1")
    link.begin(WAITING)
    old, link.link = link.link, link.bench.connect("ps")
    with pytest.raises(ConnectionError):
        old.receive(b"Z\n")
    assert link.ask("Z\n") == ["Z", ""]


def test_what_is_said_unasked_reaches_a_listener(wire: Make) -> None:
    link, heard = wire(dummy="D1"), []
    link.link.attach(heard.append)
    assert link.begin(WAITING) == ["e"]
    link.bench.advance_to(20.0)
    assert heard == [b"\n"]


PIECES = ["e\n", "l\n", "\n", "Z\n", "Y\n", "h\n", "H\n", "r\n", "t\n", "var a\n", "cell_on\n", "wait 1\n",
          "meas_loop_ocp a 1 3\n", "endloop\n", "pck_start\n", "pck_add a\n", "pck_end\n", "on_finished:\n",
          "cell_off\n", "set_e 5\n", "set_pgstat_mode 6\n", "\x00\xff", "\x11", "x" * 300 + "\n"]  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=25))
def test_no_input_at_all_upsets_it_and_it_always_hears_an_abort_again(wire: Make, pieces: list[str]) -> None:
    link = wire(dummy="D1")
    for piece in pieces:
        link.link.receive(piece.encode("utf-8"))
        link.wait(0.3)
    link.wait(5.0)
    link.link.receive(b"\n\n")  # ends a line or a script that stands half written
    link.wait(20.0)
    link.ask("Z\n")
    link.wait(5.0)
    assert link.ask("i\n")[-1].startswith("i")
