"""The words of a multiplexer, both ways, in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labctl_drivers.multiplexer.codec import LineDecoder, encode, read_closed, read_identity
from labctl_drivers.multiplexer.explain import explain
from labctl_drivers.multiplexer.messages import Close, Command, Identify, IsClosed, Open, OpenAll, Question
from labctl_drivers.multiplexer.session import Session

from labctl.errors import UsageError, WireError
from labctl.interfaces.switch import Path, Source

TABLE: list[tuple[Command | Question, bytes, str]] = [
    (Identify(), b"*IDN?\n", "who are you?"),
    (OpenAll(), b"ROUT:OPEN:ALL\n", "open every path"),
    (Close(Path(1, Source.CYCLER)), b"ROUT:CLOS (@101)\n", "close place 1 to the cycler"),
    (Open(Path(12, Source.POTENTIOSTAT)), b"ROUT:OPEN (@212)\n", "open place 12 to the potentiostat"),
    (
        IsClosed(Path(99, Source.POTENTIOSTAT)),
        b"ROUT:CLOS? (@299)\n",
        "is it closed: place 99 to the potentiostat",
    ),
]


@pytest.mark.parametrize(("message", "line", "words"), TABLE)
def test_each_message_is_this_line_and_is_explained(
    message: Command | Question, line: bytes, words: str
) -> None:
    assert encode(message) == line
    assert explain(line, sent=True).text == words


@pytest.mark.parametrize("place", [0, -1, 100])
def test_a_place_without_a_number_on_the_wire_is_refused(place: int) -> None:
    with pytest.raises(UsageError, match="1 to 99"):
        encode(Close(Path(place, Source.CYCLER)))


def test_answers_are_read() -> None:
    assert read_closed("1") is True
    assert read_closed("0 ") is False
    assert read_identity("a, b,c , d").model == "b"
    for line in ("a,b,c", "a,,c,d", ""):
        with pytest.raises(WireError):
            read_identity(line)


@given(st.lists(st.sampled_from(["0", "1", "maker,model,serial,1"]), max_size=5), st.data())
def test_any_pieces_give_the_same_lines(lines: list[str], data: st.DataObject) -> None:
    stream = "".join(f"{line}\r\n" for line in lines).encode()
    decoder, found = LineDecoder(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += decoder.feed(stream[:cut])
        stream = stream[cut:]
    assert found == lines


@given(st.binary(max_size=600))
def test_garbage_gives_lines_or_a_wire_error(data: bytes) -> None:
    decoder = LineDecoder()
    try:
        decoder.feed(data)
    except WireError:
        assert decoder.feed(b"0\n") == ["0"]
    explain(data, sent=True)
    explain(data, sent=False)


def test_an_endless_line_is_given_up() -> None:
    with pytest.raises(WireError, match="line's end"):
        LineDecoder().feed(b"x" * 1000)


def test_one_question_at_a_time() -> None:
    session = Session()
    session.question(Identify())
    with pytest.raises(UsageError):
        session.command(OpenAll())
    assert session.feed(b"a,b,c") is None
    assert session.feed(b",d\n") == "a,b,c,d"
    with pytest.raises(WireError, match="nothing that was asked"):
        session.feed(b"0\n")
    session.reset()
    assert session.command(OpenAll())
