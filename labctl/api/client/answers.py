"""What a station's answers mean: values, Arrow tables, and errors as labctl's own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar
from urllib.parse import quote

from labctl.api.messages import PREFIX, Body
from labctl.errors import (
    ConflictError,
    LabctlError,
    LinkClosed,
    ProgramError,
    StoreError,
    UnconfirmedError,
    UserInputError,
)
from labctl.model.plain import to_plain

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
TEXT_SHOWN = 400
"""Characters of an answer that is not ours, for the error text."""


@dataclass(frozen=True, slots=True)
class Route(Generic[T]):
    """One operation of the API: what it takes is in the method that uses it, what it gives is ``result``."""

    method: str
    path: str
    result: type[T]

    @property
    def changes(self) -> bool:
        """Tell whether the operation changes something: then it carries an idempotency key."""
        return self.method == "POST"

    def url(self, *parts: str) -> str:
        """Return the path with its ids filled in; an id is data and never becomes another path."""
        pieces = self.path.split("{")
        filled = [pieces[0]]
        for part, piece in zip(parts, pieces[1:], strict=True):
            filled.append(quote(part, safe=":") + piece.partition("}")[2])
        return PREFIX + "".join(filled)


def query_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Return query parameters; None is left out, lists are joined by commas."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, Sequence) and not isinstance(value, str):
            if value:
                found[name] = ",".join(map(str, value))
        else:
            found[name] = str(value)
    return found


def body_of(body: Body | None) -> bytes:
    """Return a JSON body."""
    return json.dumps({} if body is None else to_plain(body), ensure_ascii=False, allow_nan=False).encode()


def new_key() -> str:
    """Return an idempotency key: the same act sent twice is done once (F43)."""
    return uuid.uuid4().hex


def pause_s(attempt: int) -> float:
    """Return the pause before attempt 1, 2, ...: short at first, never longer than a person minds."""
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt - 1, 10)))


def refuse(status: int, content: bytes, what: str) -> NoReturn:
    """Raise what an error answer means.

    Raises: ConflictError (409), UnconfirmedError (409, done or not), StoreError (503), ProgramError (several findings),
    UserInputError (4xx), LabctlError.
    """
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if not isinstance(told, dict) or "error" not in told:
        shown = content[:TEXT_SHOWN].decode("utf-8", "replace").strip()
        raise LabctlError(f"the station answered {what} with {status}: {shown or 'nothing'}")
    text = " ".join(part for part in (str(told["error"]), str(told.get("fix") or "")) if part)
    findings = [str(finding) for finding in told.get("findings") or ()]
    if status == 409 and told.get("unknown"):
        raise UnconfirmedError(text)
    if status == 409:
        raise ConflictError(text)
    if status == 503:
        raise StoreError(text)
    if status == 422 and len(findings) > 0:
        raise ProgramError(findings)
    if 400 <= status < 500:
        raise UserInputError(text)
    raise LabctlError(f"the station could not do {what}: {text}")


def table_of(content: bytes) -> pa.Table:
    """Return the table of an Arrow stream."""
    import pyarrow as pa

    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()


def lost(problem: object, what: str, url: str) -> LinkClosed:
    """Return the error of a station that does not answer."""
    text = f"{url} does not answer ({problem}). Is the station running there, and is the address right?"
    if "CERTIFICATE_VERIFY_FAILED" in str(problem):
        text = (
            f"the certificate of {url} is its own, which nobody has vouched for; nothing was sent. Pin it: set "
            "LABCTL_FINGERPRINT to the fingerprint that 'labctl serve' shows there."
        )
    return LinkClosed(text, instrument="station", operation=what)


class FateUnknown(LinkClosed):
    """An act was cut by the station's end: nobody knows whether it was done (P2). It is never sent again."""

    def __init__(self, what: str) -> None:
        super().__init__(
            "the station was restarted while this was under way, so whether it was done is not known. It was not sent "
            "again. Look at how things stand, then decide.",
            instrument="station",
            operation=what,
        )
