"""Size, nesting and rate caps of requests (X04), each with its reason."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from labctl.api.server.answers import Refusal

BODY_MAX = 1_000_000
"""Bytes of a request (X04)."""
IMPORT_MAX = 28_000_000
"""Bytes of a request that carries a file of at most 20 MB (X09) as base64."""
NESTING_MAX = 32
STRING_MAX = 64_000
"""Characters of one string (X04)."""
TEXT_MAX = 1_000_000
"""Characters of a protocol or campaign text: the cap of the YAML reader."""
INTEGER_MAX = 2**63
"""Beyond it a number is no count of anything, and JSON readers of other languages round it."""
LONG_KEYS = {"content_base64": IMPORT_MAX, "text": TEXT_MAX, "protocol_text": TEXT_MAX, "files": TEXT_MAX}
"""Keys whose strings may be longer."""
CALLS_PER_S = 50.0
BURST = 100.0
"""Calls that may come at once after a quiet time: a client that connects asks for a dozen things."""
FAILURES_PER_S = 5.0
FAILURE_BURST = 20.0
CLIENTS_MAX = 1000
"""Clients whose rate is remembered."""
_OPENING, _CLOSING, _QUOTE, _ESCAPE = b"[{", b"]}", b'"'[0], b"\\"[0]


def body_max(path: str) -> int:
    """Return how many bytes a request to ``path`` may have."""
    return IMPORT_MAX if path.endswith(("/import", "/table")) else BODY_MAX


def checked_json(data: bytes) -> Any:
    """Return the JSON of a body that keeps the caps; an empty body is an empty object. Raises: Refusal."""
    if not data.strip():
        return {}
    _check_nesting(data)
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"The body is not JSON: {error}.") from error
    _check(value, STRING_MAX)
    if not isinstance(value, dict):
        raise Refusal(422, "The body must be a JSON object.")
    return value


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _check_nesting(data: bytes) -> None:
    """Count brackets outside strings, so that the parser never sees a tower. Raises: Refusal."""
    depth = 0
    inside = escaped = False
    if data.count(b"[") + data.count(b"{") <= NESTING_MAX:
        return
    for byte in data:
        if inside:
            if escaped:
                escaped = False
            elif byte == _ESCAPE:
                escaped = True
            elif byte == _QUOTE:
                inside = False
        elif byte == _QUOTE:
            inside = True
        elif byte in _OPENING:
            depth += 1
            if depth > NESTING_MAX:
                raise Refusal(400, f"The body nests deeper than {NESTING_MAX} levels.")
        elif byte in _CLOSING:
            depth -= 1


def _check(value: Any, longest: int) -> None:
    if isinstance(value, str):
        _check_text(value, longest)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key, STRING_MAX)
            _check(item, max(longest, LONG_KEYS.get(key, 0)))
    elif isinstance(value, list):
        for item in value:
            _check(item, longest)
    elif isinstance(value, int) and not -INTEGER_MAX <= value < INTEGER_MAX:
        raise Refusal(400, "The body holds a whole number beyond 64 bits.")
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise Refusal(400, "The body holds a number beyond what a computer can hold.")


def _check_text(text: str, longest: int) -> None:
    if len(text) > longest:
        raise Refusal(413, f"The body holds a text of {len(text)} characters; {longest} are the most.")
    if "\x00" in text:
        raise Refusal(400, "The body holds a text with a NUL character.")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise Refusal(400, "The body holds half of a surrogate pair, which is no text.") from error


class Rates:
    """Token buckets by client: ``per_s`` calls a second, ``burst`` at once."""

    def __init__(self, per_s: float = CALLS_PER_S, burst: float = BURST) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, client: str, now_s: float) -> bool:
        """Count a call at link time ``now_s``; False when the client calls too often."""
        left, since_s = self._clients.pop(client, (self._burst, now_s))
        left = min(self._burst, left + (now_s - since_s) * self._per_s)
        admitted = left >= 1.0
        self._clients[client] = (left - 1.0 if admitted else left, now_s)
        if len(self._clients) > CLIENTS_MAX:
            self._clients.popitem(last=False)
        return admitted
