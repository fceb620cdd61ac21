"""What of the queue a person must act on: failed jobs whose lane stands still, jobs that are late, a broken ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from labctl.engine.machines.queue import QueueState, title
from labctl.model.ids import ChannelId
from labctl.model.job import JobId, JobState

LATE_S = 3600.0
"""Plant seconds after a job's earliest start at which somebody should know that it still waits."""
LEDGER = "queue.jsonl"


class Alarms(Protocol):
    """What the queue asks of the alarm keeper."""

    def raise_alarm(
        self,
        definition: str,
        subject: str,
        *,
        text: str = "",
        channel: str = "",
        cell: str = "",
        run_id: str = "",
    ) -> None:
        """Report that something is so; saying it again is no news."""

    def clear(self, definition: str, subject: str) -> None:
        """Report that something is over; what was never raised is no news."""


class QueueAlarms:
    """Raises and clears the queue's alarms as its state changes. ``alarms`` None: nobody wants to hear of them."""

    def __init__(self, alarms: Alarms | None) -> None:
        self._alarms = alarms
        self._failed: dict[JobId, ChannelId | None] | None = None
        self._late: set[JobId] = set()
        self._trouble = ""

    def look(self, state: QueueState, utc_s: float, trouble: str) -> None:
        """Compare the queue with what was told before; the first look tells nothing of old failures."""
        if self._alarms is None:
            return
        failed = {
            job_id: entry.job.channel
            for job_id, entry in state.entries.items()
            if entry.job.state is JobState.FAILED
        }
        before = self._failed
        self._failed = failed
        if before is not None:
            self._tell_failures(self._alarms, state, before, failed)
        self._tell_late(self._alarms, state, utc_s)
        if trouble and trouble != self._trouble:
            self._alarms.raise_alarm("store.ledger", LEDGER, text=trouble)
        elif self._trouble and not trouble:
            self._alarms.clear("store.ledger", LEDGER)
        self._trouble = trouble

    def damaged(self, problems: list[str]) -> None:
        """Tell that the ledger does not read as it was written."""
        if self._alarms is not None and problems:
            self._alarms.raise_alarm("store.damaged", LEDGER, text="; ".join(problems[:3]))

    def _tell_failures(
        self,
        alarms: Alarms,
        state: QueueState,
        before: dict[JobId, ChannelId | None],
        failed: dict[JobId, ChannelId | None],
    ) -> None:
        for job_id in failed.keys() - before.keys():
            job = state.entries[job_id].job
            alarms.raise_alarm(
                "job.failed", job.channel or job_id, text=f"{title(job)} failed: {job.reason}",
                channel=job.channel or "", cell=job.spec.cell_id, run_id=job.run_id or "",
            )  # fmt: skip
        for job_id, channel in {**before, **failed}.items():
            over = channel not in state.lanes if channel is not None else job_id not in failed
            if over:
                alarms.clear("job.failed", channel or job_id)

    def _tell_late(self, alarms: Alarms, state: QueueState, utc_s: float) -> None:
        late: set[JobId] = set()
        for job_id in state.ranked():
            job = state.entries[job_id].job
            if job.state is not JobState.WAITING or not job.spec.not_before_utc:
                continue
            if utc_s - datetime.fromisoformat(job.spec.not_before_utc).timestamp() < LATE_S:
                continue
            late.add(job_id)
            if job_id not in self._late:
                text = f"{title(job)} should have started at {job.spec.not_before_utc}"
                alarms.raise_alarm(
                    "job.late", job_id, text=text, channel=job.channel or "", cell=job.spec.cell_id
                )
        for job_id in self._late - late:
            alarms.clear("job.late", job_id)
        self._late = late
