"""A POST sent twice with the same idempotency key is done once (F43): the second call gets the first one's answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

KEPT = 2000
"""Answers kept (I14): a double click, or a client that sends again after a broken connection, comes soon."""
ANSWER_MAX = 256_000
"""Bytes of an answer that is kept."""
KEY_MAX = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(slots=True)
class _Slot:
    request: bytes
    done: asyncio.Future[Answer | None]


class Once:
    """Answers by person and key."""

    def __init__(self) -> None:
        self._slots: OrderedDict[tuple[str, str], _Slot] = OrderedDict()

    @staticmethod
    def fingerprint(path: str, body: bytes) -> bytes:
        """Return what makes a request the same request."""
        return hashlib.sha256(path.encode("utf-8", "replace") + b"\0" + body).digest()

    def begin(self, who: str, key: str, request: bytes) -> asyncio.Future[Answer | None] | None:
        """Claim a key: None means go ahead and call ``finish``; else wait for the first one's answer.

        The future gives None where the first one came to no answer worth keeping: the caller may then begin again.
        Raises: ValueError when the key was used for another request.
        """
        slot = self._slots.get((who, key))
        if slot is not None:
            if slot.request != request:
                raise ValueError(key)
            return slot.done
        self._slots[who, key] = _Slot(request, asyncio.get_running_loop().create_future())
        while len(self._slots) > KEPT:
            oldest = next(iter(self._slots))
            if not self._slots[oldest].done.done():
                break
            del self._slots[oldest]
        return None

    def finish(self, who: str, key: str, answer: Answer | None) -> None:
        """Give the answer to everyone who waits and keep it; None = forget the key, the act may be tried again."""
        slot = self._slots[who, key]
        if answer is None or answer.status >= 500 or answer.status == 429 or len(answer.body) > ANSWER_MAX:
            del self._slots[who, key]
        if not slot.done.done():
            slot.done.set_result(answer)
