"""The bridge on real sockets, seen by the standard library's XML-RPC client: token, list, lease, a call that hangs."""

from __future__ import annotations

import asyncio
import threading
import xmlrpc.client
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from labctl_drivers.versastat_vdk.bridge.__main__ import door_of, main, place_of
from labctl_drivers.versastat_vdk.bridge.connection import Door
from labctl_drivers.versastat_vdk.bridge.lease import Lease, Standing
from labctl_drivers.versastat_vdk.bridge.library import Library, load_instrument
from labctl_drivers.versastat_vdk.bridge.server import listening
from labctl_drivers.versastat_vdk.bridge.service import Service
from labctl_drivers.versastat_vdk.codec import Call, Fault

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import UserFileError, UserInputError

TOKEN = "0123456789abcdef"
EIS = "1,0.1,0.01,LOGARITHMIC,5,1,0,0,VS REF,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO"


def on_sockets(kit: Any, door: Door, story: Callable[[int], Awaitable[None]]) -> None:
    """Run a story beside a bridge on a real port."""

    async def run(clock: Clock) -> None:
        kit.now_s = clock.plant.now_s
        service, ended = Service(Library(kit), clock), asyncio.Event()
        async with asyncio.TaskGroup() as group, listening(service, door, "127.0.0.1", 0) as port:
            group.create_task(service.serve(ended))
            try:
                await story(port)
            finally:
                ended.set()

    run_with_clock(ClockSpec(), run)


def client(port: int, name: str = "a", token: str = "") -> Any:
    """Return an outside client."""
    headers = [("X-Labctl-Client", name), *([("Authorization", f"Bearer {token}")] if token else [])]
    return xmlrpc.client.ServerProxy(f"http://127.0.0.1:{port}/VersaStatServer.rem", headers=headers)


def connected(port: int, name: str = "a") -> Any:
    proxy = client(port, name)
    assert proxy.BridgeLease(30) is True
    serial = proxy.FindNext(0)
    assert proxy.Connect(serial) is True
    return proxy


def test_an_outside_client_runs_a_sequence_and_hears_every_kind_of_value(tiny_kit: Any) -> None:
    def calls(port: int) -> None:
        with connected(port) as proxy:
            assert proxy.BridgeInfo()["has_experiment"] is True
            assert (proxy.GetModel(), proxy.GetSerialNumber()) == ("VersaSTAT 4-400", "1234567")
            assert proxy.Clear() == ""
            assert proxy.AddEISPotentiostatic("1,2,3") is False
            assert proxy.AddEISPotentiostatic(EIS.replace("1,0.1,", "1000,100,")) is True
            assert proxy.Start() == ""
            while not proxy.GetNumPointsAvailable() > 0:
                pass
            assert len(proxy.GetDataFrequency(0, 1)) == 1
            assert proxy.UpdateStatus() == ""
            assert proxy.GetCellEnabled() is True
            assert proxy.GetOverload() == 0

    on_sockets(
        tiny_kit(starts_late_s=0.0, trickles_s=-0.33), Door(), lambda port: asyncio.to_thread(calls, port)
    )


def test_what_is_no_number_is_sent_as_the_string_nan(tiny_kit: Any) -> None:
    def calls(port: int) -> None:
        with connected(port) as proxy:
            assert proxy.GetE() == "nan"

    on_sockets(tiny_kit(ocv_V=float("nan")), Door(), lambda port: asyncio.to_thread(calls, port))


def test_the_bridge_ends_with_the_experiment_stopped_the_cell_off_and_the_kit_closed(tiny_kit: Any) -> None:
    def calls(port: int) -> None:
        with connected(port) as proxy:
            proxy.AddEISPotentiostatic(EIS)
            proxy.Start()

    kit = tiny_kit(starts_late_s=0.0)
    on_sockets(kit, Door(), lambda port: asyncio.to_thread(calls, port))
    assert kit.heard[-3:] == ["Stop", "SetCellOff", "Close"]
    assert not kit.cell_on()


def test_vd_8_stop_and_cell_off_are_served_while_start_hangs(tiny_kit: Any) -> None:
    hanging = threading.Event()

    def calls(port: int) -> None:
        with connected(port) as first, client(port) as second:
            first.AddEISPotentiostatic(EIS)
            starting = threading.Thread(target=first.Start)
            starting.start()
            while "Start" not in kit.heard:
                pass
            assert second.Stop() == ""
            assert second.SetCellOff() == ""
            assert starting.is_alive()
            assert kit.heard[-2:] == ["Stop", "SetCellOff"]
            hanging.set()
            starting.join()

    kit = tiny_kit(starts_hanging=hanging, starts_late_s=0.0)
    on_sockets(kit, Door(), lambda port: asyncio.to_thread(calls, port))
    assert not kit.cell_on()


def test_vd_7_who_does_not_know_the_token_reaches_nothing(tiny_kit: Any) -> None:
    def calls(port: int) -> None:
        for token in ("", TOKEN[:-1], TOKEN + "0", "ü" * 16):
            with (
                pytest.raises((xmlrpc.client.ProtocolError, UnicodeError)),
                client(port, token=token) as proxy,
            ):
                proxy.SetCellOff()
        with client(port, token=TOKEN) as proxy:
            assert proxy.BridgeInfo()["name"] == "labctl-vdk-bridge"

    kit = tiny_kit()
    on_sockets(kit, Door(TOKEN), lambda port: asyncio.to_thread(calls, port))
    assert kit.heard == []


def test_junk_and_other_verbs_and_paths_are_answered_in_http_and_reach_nothing(tiny_kit: Any) -> None:
    def status(port: int, verb: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        link = HTTPConnection("127.0.0.1", port)
        link.request(verb, path, body)
        answer = link.getresponse()
        told = answer.status, answer.read()
        link.close()
        return told

    def calls(port: int) -> None:
        assert status(port, "GET", "/VersaStatServer.rem")[0] == 405
        assert status(port, "POST", "/else")[0] == 404
        code, body = status(port, "POST", "/VersaStatServer.rem", b"<!DOCTYPE x []><methodCall/>")
        assert code == 200
        assert b"-32700" in body
        assert status(port, "POST", "/VersaStatServer.rem", b"x" * 70_000)[0] == 400

    kit = tiny_kit()
    on_sockets(kit, Door(), lambda port: asyncio.to_thread(calls, port))
    assert kit.heard == []


# -- the service, told the time --------------------------------------------------------------------------------------


def in_jump(kit: Any, story: Callable[[Service, Clock], Awaitable[None]]) -> None:
    """Run a story with a service on a clock that leaps."""

    async def run(clock: Clock) -> None:
        kit.now_s = clock.plant.now_s
        service, ended = Service(Library(kit), clock), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(service.serve(ended))
            try:
                await story(service, clock)
            finally:
                ended.set()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), run)


async def said(service: Service, method: str, *parameters: Any, client: str = "a") -> Any:
    return await service.answer(client, Call(method, parameters))


def fault_of(answer: Any) -> int | None:
    return answer.code if isinstance(answer, Fault) else None


def test_vd_6_a_lease_that_is_not_renewed_stops_and_switches_off_once(tiny_kit: Any) -> None:
    kit = tiny_kit(starts_late_s=0.0)

    async def story(service: Service, clock: Clock) -> None:
        await said(service, "BridgeLease", 15)
        await said(service, "Connect", 1234567)
        await said(service, "AddEISPotentiostatic", EIS)
        await said(service, "Start")
        await clock.link.sleep(10.0)
        await said(service, "BridgeLease", 15)
        await clock.link.sleep(14.0)
        assert kit.cell_on()
        await clock.link.sleep(2.0)
        assert not kit.cell_on()
        await clock.link.sleep(1000.0)
        assert kit.heard.count("Stop") == kit.heard.count("SetCellOff") == 1
        assert fault_of(await said(service, "Start")) == 1001
        assert await said(service, "BridgeLease", 15) is True

    in_jump(kit, story)


def test_a_lease_excludes_others_until_it_ends_and_can_be_given_back(tiny_kit: Any) -> None:
    kit = tiny_kit()

    async def story(service: Service, clock: Clock) -> None:
        assert fault_of(await said(service, "FindNext", 0)) == 1001
        assert await said(service, "Stop") == ""  # nobody holds it: whoever may call may stop
        await said(service, "BridgeLease", 15.0)
        for method in ("Stop", "SetCellOff", "GetE"):
            assert fault_of(await said(service, method, client="b")) == 1002
        assert fault_of(await said(service, "BridgeLease", 15.0, client="b")) == 1002
        assert await said(service, "BridgeLease", 0) is True
        assert await said(service, "BridgeLease", 15.0, client="b") is True

    in_jump(kit, story)


@pytest.mark.parametrize(
    ("method", "parameters", "code"),
    [
        ("BridgeLease", (0.5,), -32602),
        ("BridgeLease", (601,), -32602),
        ("BridgeLease", (True,), -32602),
        ("BridgeLease", (), -32602),
        ("Connect", ("1",), -32602),
        ("Connect", (1, 2), -32602),
        ("__init__", (), -32601),
        ("now_s", (), -32601),
        ("GetBoosterEnabled", (), -32500),
    ],
)
def test_calls_that_do_not_fit_are_refused_with_their_own_code(
    method: str, parameters: tuple[Any, ...], code: int, tiny_kit: Any
) -> None:
    async def story(service: Service, clock: Clock) -> None:
        await said(service, "BridgeLease", 15)
        assert fault_of(await said(service, method, *parameters)) == code

    in_jump(tiny_kit(), story)


def test_a_lease_knows_holder_stranger_and_end() -> None:
    lease = Lease()
    assert lease.standing("a", 0.0) is Standing.NOBODY_HOLDS
    lease.take("a", 10.0, 0.0)
    assert (lease.standing("a", 9.9), lease.standing("b", 9.9)) == (Standing.HOLDS, Standing.ANOTHER_HOLDS)
    assert lease.standing("a", 10.0) is Standing.NOBODY_HOLDS
    assert lease.has_run_out(10.0) and not lease.has_run_out(9.9)


# -- the program -----------------------------------------------------------------------------------------------------


def test_a_network_address_needs_a_token_and_a_token_needs_length(tmp_path: Path) -> None:
    assert door_of("127.0.0.1", None, "") == Door()
    with pytest.raises(UserInputError, match="needs --token-file"):
        door_of("0.0.0.0:5678", None, "")
    (tmp_path / "short").write_text("abc")
    with pytest.raises(UserFileError, match="holds no token"):
        door_of("0.0.0.0", tmp_path / "short", "")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert door_of("0.0.0.0", tmp_path / "token", "10.0.0.5, 10.0.0.6") == Door(
        TOKEN, frozenset({"10.0.0.5", "10.0.0.6"})
    )


def test_an_address_may_have_a_port() -> None:
    assert place_of("127.0.0.1") == ("127.0.0.1", 5678)
    assert place_of("0.0.0.0:80") == ("0.0.0.0", 80)
    assert place_of("[::1]:99") == ("::1", 99)
    assert place_of("::1") == ("::1", 5678)
    with pytest.raises(UserInputError):
        place_of("host:port")


def test_elsewhere_than_windows_the_bridge_says_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert main([]) == 2
    assert "runs on the Windows computer" in caplog.text


def test_on_windows_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setitem(__import__("sys").modules, "clr", None)
    with pytest.raises(UserInputError, match="pip install pythonnet"):
        load_instrument(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "clr", object())
    with pytest.raises(UserInputError, match=r"VersaSTATControl\.dll is not in"):
        load_instrument(tmp_path)
