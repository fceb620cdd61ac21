"""An act whose effect nobody knows is told as such, from the driver's error to the window's words (P2, R6)."""

from __future__ import annotations

import json

import pytest

from labctl.api.client.answers import refuse
from labctl.api.server.answers import failure_of, status_of
from labctl.errors import (
    ConflictError,
    LabctlError,
    LinkTimeout,
    RefusedError,
    UnconfirmedError,
    UnknownStateError,
    WireError,
)
from labctl.model.plain import to_plain


def received(error: LabctlError) -> LabctlError:
    """Return what the client raises for what the station answers."""
    with pytest.raises(LabctlError) as caught:
        refuse(status_of(error), json.dumps(to_plain(failure_of(error))).encode(), "runs.pause")
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        UnknownStateError("the tester still runs", instrument="neware", operation="pause"),
        LinkTimeout("no answer within 3 s", instrument="neware", operation="pause"),
        WireError("not its format", instrument="neware", operation="pause"),
    ],
)
def test_an_act_that_an_instrument_did_not_confirm_is_not_told_as_refused(error: LabctlError) -> None:
    found = received(error)
    assert isinstance(found, UnconfirmedError) and error.args[0] in str(found)


def test_a_refusal_of_the_instrument_and_a_conflict_are_told_as_before() -> None:
    no = RefusedError("the tester says no", instrument="neware", operation="pause")
    assert type(received(no)) is ConflictError
    assert type(received(ConflictError("chen was faster"))) is ConflictError
