"""What passed the link to a BTS in one line: command, channels, what matters; never an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.codec import encode_request
from labctl_drivers.neware.driver import NewareCycler
from labctl_drivers.neware.explain import explain

from labctl.interfaces.frames import ExplainsFrames

ONE, TWO = m.Address(1, 3, 33), m.Address(2, 5, 33)
MORE = tuple(m.Address(1, number, 33) for number in range(1, 9))


@pytest.mark.parametrize(
    ("request_", "text", "places"),
    [
        (m.Stop((ONE,)), "stop 1-3", ("1-3",)),
        (m.GetChannelStatus((ONE, TWO)), "getchlstatus 1-3, 2-5", ("1-3", "2-5")),
        (
            m.GetChannelStatus(MORE),
            "getchlstatus 1-1, 1-2, 1-3 and 5 more",
            tuple(f"1-{n}" for n in range(1, 9)),
        ),
        (m.GetDeviceInfo(), "getdevinfo", ()),
    ],
)
def test_a_request_is_its_command_and_its_channels(
    request_: m.Request, text: str, places: tuple[str, ...]
) -> None:
    found = explain(encode_request(request_), sent=True)
    assert (found.text, found.places) == (text, places)


def test_answers_say_what_came_of_it() -> None:
    page = (
        b'<cmd>donwload_resp</cmd><download devid="33" subdevid="1" chlid="1" startpos="5" count="2"/>'
        b'<list count="2"><data seqid="5"/><data seqid="6"/></list></bts>'
    )
    assert explain(page, sent=False).text == "download 1-1: records 5 to 6"
    stopped = b'<cmd>stop_resp</cmd><list count="1"><stop subdevid="2" chlid="3">ok</stop></list>'
    assert explain(stopped, sent=False).text == "stop 2-3: ok"
    status = b'<cmd>inquire_resp</cmd><inquire dev="27-33-2-5-0" voltage="1"/>'
    assert explain(status, sent=False).places == ("2-5",)
    assert explain(b'<data seqid="7" volt="3.1"/>', sent=False).text == "more of an answer"


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_said_to_be_something(data: bytes, sent: bool) -> None:
    assert explain(data, sent=sent).text


def test_the_cycler_explains_its_frames() -> None:
    assert issubclass(NewareCycler, ExplainsFrames)
