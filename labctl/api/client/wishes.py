"""Jobs as a script writes them: dataclasses, or mappings with the same fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from labctl.errors import UserInputError
from labctl.model.job import JobSpec
from labctl.model.typed import from_plain

Wish = JobSpec | Mapping[str, Any]
_FIELDS = tuple(field.name for field in fields(JobSpec))


def wishes(jobs: Wish | Iterable[Wish]) -> tuple[JobSpec, ...]:
    """Return one job or several as dataclasses. Raises: UserInputError naming the field that cannot be."""
    if isinstance(jobs, JobSpec | Mapping):
        jobs = (jobs,)
    return tuple(job if isinstance(job, JobSpec) else _spec(job) for job in jobs)


def _spec(job: Mapping[str, Any]) -> JobSpec:
    for name in job:
        if name not in _FIELDS:
            near = get_close_matches(str(name), _FIELDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise UserInputError(f"a job has no '{name}'.{hint} It has: {', '.join(_FIELDS)}.")
    try:
        return from_plain(JobSpec, dict(job))
    except ValueError as error:
        raise UserInputError(f"this job cannot be read: {error}") from error
