"""Answers as bytes: model dataclasses as JSON; every refusal in one shape, with a status that programs can act on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from labctl.api.messages import Failure
from labctl.errors import (
    ConflictError,
    InstrumentError,
    LabctlError,
    ProgramError,
    RefusedError,
    StoreError,
    UserFileError,
    UserInputError,
)
from labctl.model.plain import to_plain

FINDINGS_MAX = 200
"""Findings of one answer; behind them only their number is told (I14)."""
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class Refusal(Exception):
    """A request that is refused with a status of its own."""

    def __init__(self, status: int, error: str, *, fix: str = "", findings: Sequence[str] = ()) -> None:
        super().__init__(error)
        self.status = status
        self.failure = Failure(error, tuple(findings), fix)


def json_bytes(value: Any) -> bytes:
    """Return a value of the model as JSON bytes; NaN becomes null, lone surrogates become question marks."""
    return _encode(to_plain(value)).encode("utf-8", "replace")


def reply(value: Any, status: int = 200) -> Response:
    """Answer with a value of the model."""
    return Response(json_bytes(value), status, media_type="application/json")


def refused(status: int, failure: Failure) -> Response:
    """Answer with a refusal."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}, 503: {"Retry-After": "5"}}
    return Response(
        json_bytes(failure), status, media_type="application/json", headers=headers.get(status, {})
    )


@contextmanager
def or_missing() -> Iterator[None]:
    """Turn a wish for something that is not there into 404: for looking up what the path names."""
    try:
        yield
    except UserInputError as error:
        raise Refusal(404, str(error)) from error


def status_of(error: LabctlError) -> int:
    """Return the status of a failure that labctl expects."""
    if isinstance(error, StoreError):
        return 503
    if isinstance(error, ConflictError | InstrumentError):
        return 409  # the wish is sound, the state of the bench is not
    return 422 if isinstance(error, UserInputError | UserFileError | ProgramError) else 409


def failure_of(error: LabctlError) -> Failure:
    """Return what a client is told about a failure."""
    if isinstance(error, ProgramError):
        return Failure("The protocol cannot run there.", error.findings[:FINDINGS_MAX])
    if isinstance(error, UserFileError):
        return Failure(str(error).removesuffix(f" {error.fix}"), (), error.fix)
    unknown = isinstance(error, InstrumentError) and not isinstance(error, RefusedError)
    return Failure(str(error), unknown=unknown)


def invalid(error: RequestValidationError) -> Response:
    """Answer a body or parameter that does not have the form it must have; the input itself is not repeated."""
    findings = []
    for problem in error.errors()[:FINDINGS_MAX]:
        place = ".".join(str(part) for part in problem.get("loc", ())[1:])
        findings.append(f"{place or 'the request'}: {problem.get('msg', 'cannot be used')}")
    return refused(422, Failure("The request does not have the form it must have.", tuple(findings)))


def http_failure(error: HTTPException) -> Response:
    """Answer what the framework itself refuses: no such path, no such method."""
    texts = {404: "There is nothing at this path.", 405: "This path does not know this method."}
    text = texts.get(error.status_code, str(error.detail))
    return refused(error.status_code, Failure(text, fix="GET /api/v1/openapi.json lists what there is."))
