"""What passed the Modbus line in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labctl_drivers.chamber.codec import encode
from labctl_drivers.chamber.explain import explain
from labctl_drivers.chamber.messages import Framing, Function, ReadRegisters, Request, WriteMany, WriteOne


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (ReadRegisters(Function.READ_INPUT, 4, 6), "read 6 input registers from 4"),
        (ReadRegisters(Function.READ_HOLDING, 0, 2), "read 2 holding registers from 0"),
        (WriteOne(7, 0x1234), "write register 7 = 1234"),
        (WriteMany(2, (1, 0xABCD)), "write 2 registers from 2: 0001 abcd"),
    ],
)
def test_a_request_is_what_it_asks_for(framing: Framing, request_: Request, text: str) -> None:
    assert explain(encode(request_, framing, 1, 5), framing, sent=True).text == text


def test_answers_are_registers_and_refusals() -> None:
    answer = bytes.fromhex("00010000000f01040c000100004271242b42700000")
    assert explain(answer, Framing.TCP, sent=False).text == "registers 0001 0000 4271 242b 4270 0000"
    assert (
        "illegal data address" in explain(bytes.fromhex("000100000003018402"), Framing.TCP, sent=False).text
    )


@given(st.binary(max_size=40), st.sampled_from(list(Framing)), st.booleans())
def test_any_bytes_are_said_to_be_something(data: bytes, framing: Framing, sent: bool) -> None:
    assert explain(data, framing, sent=sent).text
