"""What a body must keep to beyond its form: no unknown keys in the model's own dataclasses, files as base64."""

from __future__ import annotations

import base64
import binascii

from pydantic import with_config

from labctl.api.server.answers import Refusal
from labctl.model.cell import Batch, Cell, Electrode
from labctl.model.job import After, JobEdit, JobSpec, RetryPolicy

FILE_MAX = 20_000_000
"""Bytes of an imported file (X09)."""

for _kind in (Cell, Electrode, Batch, JobSpec, JobEdit, After, RetryPolicy):
    with_config({"extra": "forbid"})(_kind)  # a slip in a script is told, not ignored


def file_bytes(content_base64: str) -> bytes:
    """Return a file that was sent as base64. Raises: Refusal."""
    try:
        data = base64.b64decode(content_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, "'content_base64' is not base64.") from error
    if len(data) > FILE_MAX:
        raise Refusal(413, f"A file may have {FILE_MAX} bytes.")
    return data
