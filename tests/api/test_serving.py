"""Where the station listens, under which certificate, and what it tells the programs of this computer (X01, X18)."""

from __future__ import annotations

import json
import os
import socket
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from labctl.api.messages import PREFIX
from labctl.api.server.certificates import fingerprint, own_certificate
from labctl.api.server.serving import open_socket
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.api import Address, ApiSettings, checked, parse_address
from labctl.config.station import parse_station
from labctl.errors import UserFileError, UserInputError
from labctl.model.person import Role
from labctl.testing.apibench import ApiBench, served

Play = Callable[..., None]


def token_of(bench: ApiBench, name: str = "owner") -> str:
    return (bench.folder / "station" / f"{name}.token").read_text(encoding="ascii").strip()


def test_programs_of_this_computer_find_the_station_and_its_owners_token_in_the_data_folder(
    play: Play,
) -> None:
    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint:
            told = json.loads((bench.folder / "station" / "endpoint.json").read_bytes())
            assert told["url"] == endpoint.url and told["pid"] == os.getpid() and told["fingerprint"] == ""
            assert told["epoch"] == bench.core.feed.epoch
            for name, role in (("owner", "admin"), ("view", "view")):
                headers = {"Authorization": f"Bearer {token_of(bench, name)}"}
                async with httpx.AsyncClient(base_url=endpoint.url, headers=headers) as client:
                    hello = (await client.get(f"{PREFIX}/hello")).json()
                    assert (hello["person"], hello["role"]) == (name, role)

    play(scene, ClockMode.REAL)


def test_other_computers_are_served_over_tls_with_a_certificate_that_clients_pin(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        settings = ApiSettings((Address("0.0.0.0", 0),), hosts=("bench-pc.lab.example",))
        async with served(bench, settings) as endpoint:
            assert endpoint.url.startswith("https://127.0.0.1:") and len(endpoint.fingerprint) == 64
            pem = bench.folder / "station" / "api-certificate.pem"
            trusted = ssl.create_default_context(cafile=str(pem))
            headers = {"Authorization": f"Bearer {token_of(bench)}"}
            async with httpx.AsyncClient(base_url=endpoint.url, headers=headers, verify=trusted) as client:
                assert (await client.get(f"{PREFIX}/hello")).status_code == 200
                forged = await client.get(f"{PREFIX}/hello", headers={"Host": "other.example"})
                assert forged.status_code == 403
                named = await client.get(f"{PREFIX}/hello", headers={"Host": "bench-pc.lab.example"})
                assert named.status_code == 200
            async with httpx.AsyncClient(base_url=endpoint.url, headers=headers) as stranger:
                with pytest.raises(httpx.ConnectError):
                    await stranger.get(f"{PREFIX}/hello")
            plain = endpoint.url.replace("https", "http")
            async with httpx.AsyncClient(base_url=plain, headers=headers) as careless:
                with pytest.raises(httpx.TransportError):
                    await careless.get(f"{PREFIX}/hello")
            old = ssl.create_default_context(cafile=str(pem))
            old.minimum_version = ssl.TLSVersion.TLSv1_2
            if os.name == "posix":
                key = bench.folder / "station" / "api-key.pem"
                assert stat.S_IMODE(key.stat().st_mode) == 0o600

    play(scene, ClockMode.REAL)


def test_the_certificate_stays_until_its_names_change(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        first, _ = own_certificate(tmp_path, ["bench-pc"], clock)
        print_ = fingerprint(first)
        assert fingerprint(own_certificate(tmp_path, ["bench-pc"], clock)[0]) == print_
        assert fingerprint(own_certificate(tmp_path, ["bench-pc", "10.0.0.7"], clock)[0]) != print_

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


def test_nagles_delay_is_off_so_that_live_rows_do_not_wait_for_an_acknowledgement() -> None:
    with open_socket(Address("127.0.0.1", 0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_taken_port_is_told_and_the_usual_one_gives_way() -> None:
    with open_socket(Address("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserInputError, match="Choose another port"):
            open_socket(Address("127.0.0.1", port))
    with open_socket(Address()) as one, open_socket(Address()) as other:
        assert one.getsockname() != other.getsockname()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", Address("127.0.0.1", None)), ("0.0.0.0:7421", Address("0.0.0.0", 7421)),
        ("[::1]:80", Address("::1", 80)), ("[::]", Address("::", None)), ("::1", Address("::1", None)),
        ("bench-pc:0", Address("bench-pc", 0)),
    ],
)  # fmt: skip
def test_addresses_are_read(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", ":80", "a:b", "a:99999", "[::1", "[::1]80", "http://x", "a b", "x@y"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UserInputError):
        parse_address(text)


def test_only_loopback_is_listened_on_without_a_list_of_names() -> None:
    assert not checked(ApiSettings()).secure
    assert not checked(ApiSettings((Address("::1", 0), Address("localhost", 0)))).secure
    assert checked(ApiSettings((Address("192.168.1.5", 0),))).secure
    with pytest.raises(UserInputError, match="hosts"):
        checked(ApiSettings((Address("0.0.0.0", 0),)))


FILE = "labctl: station/1\napi:\n"


def test_the_station_file_names_addresses_and_hosts() -> None:
    found = parse_station(f"{FILE}  listen: [127.0.0.1, '192.168.1.5:7421']\n  hosts: bench-pc\n").api
    assert found.listen == (Address("127.0.0.1"), Address("192.168.1.5", 7421))
    assert found.hosts == ("bench-pc",)
    assert parse_station("labctl: station/1\n").api == ApiSettings()


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("  listen: 0.0.0.0:7421\n", "hosts"), ("  listen: x:y\n", "port"), ("  lisen: x\n", "listen"),
        ("  certificate: a.pem\n", "belong together"), ("  hosts: {a: b}\n", "list of texts"),
    ],
)  # fmt: skip
def test_a_slip_in_the_station_file_is_named_with_its_line(lines: str, says: str) -> None:
    with pytest.raises(UserFileError, match=says) as caught:
        parse_station(FILE + lines)
    assert caught.value.line in (2, 3)


def test_a_request_that_smuggles_or_is_no_http_is_refused_and_the_station_goes_on(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        async with served(bench) as endpoint:
            host, port = endpoint.url.removeprefix("http://").split(":")
            token = bench.tokens[Role.ADMIN]
            head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            for raw in (
                b"\x16\x03\x01\x02\x00\x01\x00",
                b"GET / HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n",
                f"POST {PREFIX}/stop-all HTTP/1.1\r\n{head}Content-Length: -5\r\n\r\n".encode(),
                f"POST {PREFIX}/stop-all HTTP/1.1\r\n{head}Content-Length: 5, 7\r\n\r\n".encode(),
                f"POST {PREFIX}/stop-all HTTP/1.1\r\n{head}Content-Length: 99999999999999999999\r\n\r\n".encode(),
                f"POST {PREFIX}/stop-all HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
                b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            ):
                answer = await bench.core.worker.call(_exchanged, host, int(port), raw)
                status = int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 400
                assert 400 <= status < 500, (raw[:60], answer[:80])
            assert not bench.core.stopped.active
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=endpoint.url, headers=headers) as client:
                assert (await client.get(f"{PREFIX}/hello")).status_code == 200

    play(scene, ClockMode.REAL)


def _exchanged(host: str, port: int, raw: bytes) -> bytes:
    """Send bytes and return the beginning of what comes back."""
    with socket.create_connection((host, port), timeout=5) as link:
        try:
            link.sendall(raw)
            link.shutdown(socket.SHUT_WR)
            return link.recv(4096)
        except OSError:
            return b""
