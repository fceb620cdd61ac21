"""HTTP and XML-RPC of the simulated bridge, byte by byte, and who is let in (potentiostat.md 2.2.3, VD-1, VD-7)."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Make = Callable[..., Any]
CALL = b"<?xml version='1.0'?><methodCall><methodName>%s</methodName><params>%s</params></methodCall>"
NO_PARAMETERS = b""


def posted(body: bytes, headers: bytes = b"X-Labctl-Client: a\r\n") -> bytes:
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    return b"POST /VersaStatServer.rem HTTP/1.1\r\nHost: x\r\n" + headers + length + body


def status(data: bytes) -> int:
    return int(data.split(b" ", 2)[1])


def fault(versastat: Any, method: str, *parameters: Any) -> int:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        versastat.call(method, *parameters)
    return int(caught.value.faultCode)


def test_a_void_call_answers_an_empty_string_in_plain_http(versastat: Make) -> None:
    link = versastat().call.link
    said = link.receive(posted(CALL % (b"Clear", NO_PARAMETERS)))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK", b"Content-Type: text/xml", b"Content-Length: %d" % len(body),
    ]  # fmt: skip
    flat = b"".join(body.split())
    assert flat.endswith(b"<params><param><value><string></string></value></param></params></methodResponse>")


def test_a_number_that_is_none_is_sent_as_the_string_nan_also_in_arrays(versastat: Make, peis: Make) -> None:
    bench = versastat(dummy="D1")
    assert bench.call("GetLastMeasuredOC") == "nan"
    bench.fault("not_a_number", count=1)
    bench.run(peis(last="100000", points=2))
    first, second, third = bench.call("GetDataImpedanceReal", 0, 9)
    assert first == "nan" and isinstance(second, float) and isinstance(third, float)


def test_what_comes_in_pieces_or_glued_together_is_answered_in_order(versastat: Make) -> None:
    link, said = versastat().call.link, b""
    both = posted(CALL % (b"GetModel", NO_PARAMETERS)) + posted(CALL % (b"GetOptions", NO_PARAMETERS))
    for byte in both:
        said += link.receive(bytes([byte]))
    assert said == link.receive(both)
    assert said.index(b"PARSTAT 4000A") < said.index(b"FRA")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"POST /RPC2 HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404),
        (b"GET /VersaStatServer.rem HTTP/1.1\r\n\r\n", 405),
        (b"POST /VersaStatServer.rem HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /VersaStatServer.rem HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /VersaStatServer.rem HTTP/1.1\r\nContent-Length\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"A" * 20_000, 431),
    ],
)
def test_what_is_no_request_of_the_bridge_is_refused_by_its_status(
    versastat: Make, sent: bytes, code: int
) -> None:
    assert status(versastat().call.link.receive(sent)) == code


@pytest.mark.parametrize(
    "body",
    [
        b"", b"hello", b"<methodResponse/>", b"<methodCall></methodCall>", b"\xff\xfe",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + CALL % (b"Clear", b""),
        CALL % (b"Connect", b"<param><value><int>x</int></value></param>"),
    ],
)  # fmt: skip
def test_what_is_not_xml_rpc_is_a_fault_of_its_own(versastat: Make, body: bytes) -> None:
    said = versastat().call.link.receive(posted(body))
    with pytest.raises(xmlrpc.client.Fault) as caught:
        xmlrpc.client.loads(said.partition(b"\r\n\r\n")[2])
    assert caught.value.faultCode == -32700


def test_unknown_methods_and_wrong_parameters_are_faults_and_the_link_stays(versastat: Make) -> None:
    bench = versastat()
    assert fault(bench, "Destroy") == -32601
    assert fault(bench, "Connect") == fault(bench, "Connect", "1") == fault(bench, "Connect", True) == -32602
    assert fault(bench, "SetDCPotential", "0.1") == fault(bench, "Clear", 1) == -32602
    assert bench.call("SetDCPotential", 1) == ""  # a whole number is a double too
    assert bench.call("GetModel") == "PARSTAT 4000A"


def test_a_client_that_says_close_is_closed_after_its_answer(versastat: Make) -> None:
    link = versastat().call.link
    said = link.receive(posted(CALL % (b"GetModel", b""), b"X-Labctl-Client: a\r\nConnection: close\r\n"))
    assert status(said) == 200 and b"Connection: close" in said and link.closed


def test_without_the_right_token_nothing_reaches_the_instrument(versastat: Make) -> None:
    bench = versastat(token="secret-of-the-lab", dummy="D1")
    before = bench.truth()
    for headers in (b"", b"Authorization: Bearer other\r\n", b"Authorization: Basic secret-of-the-lab\r\n",
                    "Authorization: Bearer s\u00e9cret\r\n".encode("latin-1")):  # fmt: skip
        said = bench.bench.connect("ps").receive(posted(CALL % (b"SetCellOn", b""), headers))
        assert status(said) == 401
    bench.fault("wrong_peer")
    assert status(bench.call.send("SetCellOn")) == 403
    bench.fault("wrong_peer", on=False)
    bench.fault("wrong_token")
    assert status(bench.call.send("SetCellOn")) == 401
    bench.fault("wrong_token", on=False)
    assert {**bench.truth(), "connected": True} == {**before, "connected": True}
    assert bench.call("SetCellOn") == "" and bench.truth()["cell_on"]


def test_the_public_bridge_knows_neither_experiments_nor_a_lease(versastat: Make) -> None:
    bench = versastat(ready=False, bridge="public")
    for method in ("BridgeInfo", "Start", "GetNumPointsAvailable", "Stop", "AddMeasureOpenCircuit"):
        assert fault(bench, method) == -32601
    assert fault(bench, "BridgeLease", 15) == -32601
    assert bench.call("Connect", bench.call("FindNext", 0)) is True
    assert bench.call("SetCellOff") == "" and not bench.truth()["cell_on"]


def test_the_public_bridge_switches_the_cell_on_when_asked_for_auto_range_off(versastat: Make) -> None:
    bench = versastat(ready=False, bridge="public", dummy="D1")
    bench.call("Connect", bench.call("FindNext", 0))
    bench.call("SetAutoIRangeOff")
    assert bench.truth()["cell_on"] and bench.violations == ["energised_by_the_public_bridge"]
    ours = versastat(dummy="D1")
    ours.call("SetAutoIRangeOff")
    assert not ours.truth()["cell_on"] and ours.violations == []


PIECES = [
    b"POST ", b"/VersaStatServer.rem", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Content-Length: 3", b"<a>", b"GET ",
    posted(CALL % (b"Start", b"")), posted(b"<"), posted(b"")[:-4],
]  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=12))
def test_no_bytes_upset_the_bridge_for_another_connection(versastat: Make, pieces: list[bytes]) -> None:
    bench = versastat()
    link = bench.bench.connect("ps")
    for piece in pieces:
        if not link.closed:
            link.receive(piece)
    assert bench.call("GetModel") == "PARSTAT 4000A"
