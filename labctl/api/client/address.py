"""Where a station answers and with which token: found in its data root, or told.

A station that serves writes ``<data>/station/endpoint.json`` (url, process id, the name of this life, and the
fingerprint of its certificate where it has one) and keeps the token of its owner in ``<data>/station/owner.token``,
readable by the owner only. Other computers need the url, a token, and the fingerprint that ``labctl serve --listen``
shows.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from labctl.errors import LinkClosed, StoreError, UserInputError
from labctl.store.lock import LOCK_NAME, RootLock

FOLDER = "station"
ENDPOINT = "endpoint.json"
OWNER_TOKEN = "owner.token"
DEFAULT_DATA = "labctl-data"
URL_VARIABLE = "LABCTL_URL"
TOKEN_VARIABLE = "LABCTL_TOKEN"
FINGERPRINT_VARIABLE = "LABCTL_FINGERPRINT"
HANDSHAKE_TIMEOUT_S = 10.0
SERVE_PURPOSE = "labctl serve"
"""What a station writes into the lock of its data root."""


@dataclass(frozen=True, slots=True)
class Address:
    """A station's address. ``token`` never goes into a text, a url or a log (X02)."""

    url: str
    token: str
    fingerprint: str = ""
    epoch: str = ""
    pid: int = 0

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


Locate = Callable[[], Address]
"""Looks up where the station answers now: after a restart it may be another port. Raises: LinkClosed: nowhere."""


def fixed(url: str, token: str | None, fingerprint: str = "") -> Locate:
    """Return the lookup of a station elsewhere. Raises: UserInputError for an address or token that cannot be."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserInputError(f"'{url}' is not the address of a station. Write https://HOST:PORT.")
    if parts.username or parts.password or parts.query:
        raise UserInputError(
            f"The address of a station is https://HOST:PORT alone; a token goes into {TOKEN_VARIABLE}."
        )
    found = (token or os.environ.get(TOKEN_VARIABLE, "")).strip()
    if not found:
        raise UserInputError(
            f"A station at {parts.netloc} needs a token: set {TOKEN_VARIABLE}. An admin of that station makes one with "
            "'labctl users add NAME --role operate'."
        )
    pin = fingerprint or os.environ.get(FINGERPRINT_VARIABLE, "")
    address = Address(f"{parts.scheme}://{parts.netloc}", found, pin)
    return lambda: address


def in_data(data: Path, token: str | None = None) -> Locate:
    """Return the lookup of the station that serves a data root on this computer."""

    def locate() -> Address:
        path = data / FOLDER / ENDPOINT
        try:
            holder = _server_of(data)
            told = json.loads(path.read_text(encoding="utf-8"))
            # A station that was killed leaves its file, and its port to anybody: a stranger must not get the token,
            # also not while the next station is starting and has not written its own file yet.
            if holder is None or told.get("pid") != holder:
                raise FileNotFoundError(path)
            return Address(
                str(told["url"]).rstrip("/"), token or _token(data), str(told.get("fingerprint") or ""),
                str(told.get("epoch") or ""), int(told.get("pid") or 0),
            )  # fmt: skip
        except FileNotFoundError as error:
            raise LinkClosed(
                f"no station serves {data}", instrument="station", operation="connect"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"{path} cannot be read ({error})"
            raise LinkClosed(problem, instrument="station", operation="connect") from error

    return locate


def being_served(data: Path) -> bool:
    """Tell whether a station holds the lock of a data root, perhaps not answering yet."""
    return _server_of(data) is not None


def _server_of(data: Path) -> int | None:
    """Return the process id of the station that holds the lock of a data root; None where there is none."""
    try:
        holder = json.loads((data / LOCK_NAME).read_text(encoding="utf-8"))
        if not str(holder.get("purpose", "")).startswith(SERVE_PURPOSE):
            return None
        RootLock(data, purpose="a look at who serves").release()
    except StoreError:
        return int(holder.get("pid") or 0)
    except (OSError, ValueError, AttributeError):
        return None
    return None  # its holder was killed: the lock was free


def _token(data: Path) -> str:
    named = os.environ.get(TOKEN_VARIABLE, "").strip()
    if named:
        return named
    path = data / FOLDER / OWNER_TOKEN
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise UserInputError(
            f"{path} cannot be read by this account ({error}); it belongs to whoever runs the station. Set "
            f"{TOKEN_VARIABLE} to a token of your own; an admin makes one with 'labctl users add NAME --role operate'."
        ) from error


def plain_fingerprint(text: str) -> str:
    """Return a SHA-256 fingerprint as 64 lower-case hexadecimal digits, however it was written."""
    return "".join(
        character for character in text.lower().removeprefix("sha256:") if character in "0123456789abcdef"
    )


def ssl_context(address: Address) -> ssl.SSLContext | None:
    """Return the context that trusts exactly the pinned certificate (X18); None for plain HTTP on loopback.

    Raises: LinkClosed where another certificate answers than the pinned one, or none.
    """
    parts = urlsplit(address.url)
    if parts.scheme != "https":
        return None
    if not address.fingerprint:
        return ssl.create_default_context()
    host, port = parts.hostname or "", parts.port or 443
    try:
        pem = ssl.get_server_certificate((host, port), timeout=HANDSHAKE_TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise LinkClosed(
            f"no answer at {address.url}: {error}", instrument="station", operation="connect"
        ) from error
    seen = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    if not hmac.compare_digest(seen, plain_fingerprint(address.fingerprint)):
        raise LinkClosed(
            f"another certificate answers at {address.url} (SHA-256 {seen}) than the pinned one. Nothing was sent. Ask "
            "whoever runs the station for its fingerprint.", instrument="station", operation="connect",
        )  # fmt: skip
    context = ssl.create_default_context(cadata=pem)
    # The certificate itself is the anchor: a host name in it says nothing more than the pin does.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
