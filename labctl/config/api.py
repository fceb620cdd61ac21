"""Where the station's API listens, and under which names: the part ``api`` of the station file."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labctl.errors import UserInputError

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
