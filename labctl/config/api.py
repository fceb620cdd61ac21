"""Where the station's API listens, and under which names: the part ``api`` of the station file."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labctl.errors import UserFileError, UserInputError
from labctl.protocol.yamlfile import Fields, Node, Scalar, Sequence, refusal

KEYS = ("listen", "hosts", "certificate", "key")
PORT_DEFAULT = 7421
"""Tried first on loopback, so that a bookmark of the status page stays true; another free one when it is taken."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. ``port`` None = ``PORT_DEFAULT``, or any that is free; 0 = any that is free."""

    host: str = "127.0.0.1"
    port: int | None = None

    @property
    def loopback(self) -> bool:
        """Tell whether only programs of this computer reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Listening addresses beyond loopback need TLS and ``hosts``: the names that clients use for this computer (X01).

    ``certificate`` and ``key`` are PEM files; without them a self-signed pair is made in the data folder (X18).
    """

    listen: tuple[Address, ...] = (Address(),)
    hosts: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    @property
    def secure(self) -> bool:
        """Tell whether the API speaks TLS: as soon as other computers can reach it."""
        return any(not address.loopback for address in self.listen)


def parse_address(text: str) -> Address:
    """Read ``host``, ``host:port``, ``[::1]:port``. Raises: UserInputError."""
    host, port_text = text.strip(), ""
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UserInputError(f"{text!r} is no address. Write for example [::1]:7421.")
        port_text = rest[1:]
    elif host.count(":") == 1:
        host, _, port_text = host.partition(":")
    if not host or any(sign in host for sign in " /@\\"):
        raise UserInputError(f"{text!r} is no address. Write for example 0.0.0.0:7421.")
    if not port_text:
        return Address(host)
    if not port_text.isdecimal() or int(port_text) > 65535:
        raise UserInputError(f"{text!r} has no port from 0 to 65535. Write for example {host}:7421.")
    return Address(host, int(port_text))


def checked(settings: ApiSettings) -> ApiSettings:
    """Return settings that keep the rules. Raises: UserInputError saying what is missing."""
    if (settings.certificate is None) != (settings.key is None):
        raise UserInputError("'certificate' and 'key' of 'api' belong together: give both or none.")
    names = named_hosts(settings.listen)
    if settings.secure and not settings.hosts and not names:
        raise UserInputError(
            "Listening for other computers needs 'hosts': the names or addresses under which they reach this one, "
            "for example 'hosts: [bench-pc.lab.example, 192.168.1.5]'."
        )
    return settings


def named_hosts(addresses: Iterable[Address]) -> tuple[str, ...]:
    """Return the addresses that are names of this computer by themselves: all but 0.0.0.0 and ::."""
    return tuple(
        f"[{at.host}]" if ":" in at.host else at.host for at in addresses if at.host not in ("0.0.0.0", "::")
    )


def read_api(node: Node | None, source: str, folder: Path | None) -> ApiSettings:
    """Read the part ``api`` of a station file; relative paths are seen from ``folder``. Raises: UserFileError."""
    if node is None:
        return ApiSettings()
    fields = Fields(node, source, "'api'", KEYS)
    listen_node = fields.get("listen")
    try:
        listen = tuple(parse_address(text) for text in _texts(listen_node, source, "'listen'"))
        settings = ApiSettings(
            listen=listen or (Address(),),
            hosts=_texts(fields.get("hosts"), source, "'hosts'"),
            certificate=_path(fields.get("certificate"), source, "'certificate'", folder),
            key=_path(fields.get("key"), source, "'key'", folder),
        )
        return checked(settings)
    except UserFileError:
        raise
    except UserInputError as error:
        raise refusal(source, listen_node or node, str(error), "") from error


def _texts(node: Node | None, source: str, what: str) -> tuple[str, ...]:
    """Return one text or a list of them."""
    if node is None:
        return ()
    items = node.items if isinstance(node, Sequence) else (node,)
    found = []
    for item in items:
        if not isinstance(item, Scalar) or not item.text.strip() or "\x00" in item.text:
            raise refusal(
                source, item, f"{what} must be a text or a list of texts.", "Write it behind the ':'."
            )
        found.append(item.text.strip())
    return tuple(found)


def _path(node: Node | None, source: str, what: str, folder: Path | None) -> Path | None:
    found = _texts(node, source, what)
    if not found:
        return None
    path = Path(found[0]).expanduser()
    return path if path.is_absolute() or folder is None else folder / path
