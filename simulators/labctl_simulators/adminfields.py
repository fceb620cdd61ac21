"""Read the fields of an admin request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from labctl.errors import UserInputError


def number(request: Mapping[str, Any], name: str) -> float:
    """Return a finite number of a request. Raises: UserInputError."""
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserInputError(f"{name} must be a number, not {value!r}.")
    return float(value)
