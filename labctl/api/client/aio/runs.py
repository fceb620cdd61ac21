"""Runs: how they stand, their rows as Arrow tables or pandas frames, and acts on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labctl.api.client import routes
from labctl.api.client.aio.link import AsyncLink
from labctl.api.client.aio.mirror import AsyncMirror
from labctl.api.messages import AddCycles, NoteText, Reason, ReviseRun, Stopped, TakeSpectrum
from labctl.errors import UserInputError
from labctl.model.latest import LatestCycle
from labctl.model.prediction import Prediction
from labctl.model.run import RunDetail, RunRevision, RunSummary
from labctl.model.typed import from_plain

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PAGE_ROWS = 100_000
"""Rows asked for at once: bounded memory on both sides, few round trips."""
ENDED = "ended"
LOOK_S = 2.0
"""Link seconds between two looks at a run that nobody drives."""


class AsyncRuns:
    """The runs of the station's data root."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self, *, state: str = "", cell: str = "") -> tuple[RunSummary, ...]:
        """Return the runs, oldest first, optionally of one state or one cell."""
        query = {"state": state or None, "cell": cell or None}
        return await self._link.call(routes.RUNS, query=query)

    async def get(self, run_id: str) -> RunDetail:
        """Return everything about a run but its rows."""
        return await self._link.call(routes.RUN, run_id)

    # -- rows -------------------------------------------------------------------------------------------------------

    async def records(
        self, run_id: str, *, after: int = 0, limit: int = PAGE_ROWS, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Return up to ``limit`` rows behind sequence number ``after``; also of a run that goes on."""
        query = {"after": after, "limit": limit, "columns": columns}
        return await self._link.table(routes.RUN_RECORDS, run_id, query=query)

    async def table(self, run_id: str, *, after: int = 0, columns: Sequence[str] | None = None) -> pa.Table:
        """Return all rows behind ``after`` that there are now, a page at a time."""
        import pyarrow as pa

        asked = None if columns is None else list(dict.fromkeys(["sequence", *columns]))
        pages = []
        while True:
            page = await self.records(run_id, after=after, columns=asked)
            pages.append(page)
            if page.num_rows == 0:
                break
            after = int(page.column("sequence")[-1].as_py())
        found = pa.concat_tables(pages)
        return found if columns is None else found.select(list(columns))

    async def frame(self, run_id: str | None, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return a run's rows as a pandas frame; column names are those of the Battery Data Format, with their units.

        Raises: UserInputError for None, which is the ``run_id`` of a job that has not started.
        """
        if run_id is None:
            raise UserInputError(
                "this job has no run: it was not started. Its 'reason' or 'waits_for' says why."
            )
        return (await self.table(run_id, columns=columns)).to_pandas()

    async def series(
        self,
        run_id: str,
        columns: Sequence[str],
        *,
        x: str = "test_time_second",
        begin: float | None = None,
        end: float | None = None,
        width: int = 1000,
    ) -> pa.Table:
        """Return columns thinned for a picture ``width`` pixels wide: the least and greatest value of each pixel.

        ``begin`` and ``end`` bound ``x``, in its own unit.
        """
        query = {"columns": columns, "x": x, "begin": begin, "end": end, "width": width}
        return await self._link.table(routes.RUN_SERIES, run_id, query=query)

    async def cycles(self, run_id: str) -> pd.DataFrame:
        """Return the summary, one row per cycle."""
        return (await self._link.table(routes.RUN_CYCLES, run_id)).to_pandas()

    async def latest_cycles(self, runs: Collection[str] = (), *, state: str = "") -> tuple[LatestCycle, ...]:
        """Return the newest complete cycle of every run, of those of a ``state``, or of those named.

        One question for all; from then on the feed tells topic ``cycle`` of each live run soon after a cycle closed.
        """
        return await self._link.call(routes.LATEST_CYCLES, query={"state": state or None, "runs": list(runs)})

    async def predicted(self, run_id: str) -> Prediction:
        """Return what a run was expected to do, by a rehearsal of its own program on a twin of its cell.

        The first answer is pending; ask again after the feed's event ``run.predicted``, or in a few seconds. Where
        there is no twin, the answer says why.
        """
        return await self._link.call(routes.RUN_PREDICTED, run_id)

    async def events(self, run_id: str) -> tuple[dict[str, Any], ...]:
        """Return what happened in a run, oldest first."""
        return await self._link.call(routes.RUN_EVENTS, run_id)

    async def ambient(self, run_id: str) -> tuple[dict[str, Any], ...]:
        """Return the chamber's readings during a run, oldest first: ``test_time_s``, ``temperature_degC``, ``quality``.

        Quality 0 is good.
        """
        return await self._link.call(routes.RUN_AMBIENT, run_id)

    async def revisions(self, run_id: str) -> tuple[RunRevision, ...]:
        """Return the versions of a run's program, oldest first: which rows each made, who, when, why."""
        return await self._link.call(routes.RUN_REVISIONS, run_id)

    # -- acts -------------------------------------------------------------------------------------------------------

    async def stop(self, run_id: str, *, reason: str = "") -> Stopped:
        """Stop a run's test and read back; it cannot be resumed.

        Where the answer is not ``confirmed`` the stop was sent, but the instrument does not say that the test is
        over: look at the channel, and switch it off there if in doubt.
        """
        return await self._link.call(routes.RUN_STOP, run_id, body=Reason(reason))

    async def pause(self, run_id: str, *, reason: str = "") -> str:
        """Pause now, in the middle of a step, where the instrument can; returns the station's sentence."""
        return (await self._link.call(routes.RUN_PAUSE, run_id, body=Reason(reason))).text

    async def pause_at_step_end(self, run_id: str, *, reason: str = "") -> str:
        """Finish the step, then rest; returns the station's sentence."""
        return (await self._link.call(routes.RUN_PAUSE_AT_STEP_END, run_id, body=Reason(reason))).text

    async def resume(self, run_id: str, *, reason: str = "") -> str:
        """Go on where a pause stopped; returns the station's sentence."""
        return (await self._link.call(routes.RUN_RESUME, run_id, body=Reason(reason))).text

    async def skip(self, run_id: str, *, reason: str = "") -> str:
        """End the present step and go to the next; refused where the instrument cannot confirm the jump."""
        return (await self._link.call(routes.RUN_SKIP, run_id, body=Reason(reason))).text

    async def note(self, run_id: str, text: str) -> str:
        """Write a note to a run."""
        return (await self._link.call(routes.RUN_NOTE, run_id, body=NoteText(text))).text

    async def revise(
        self, run_id: str, protocol_text: str, *, reason: str, variables: Mapping[str, str] | None = None
    ) -> int:
        """Change the steps that have not begun; returns the number of the new revision.

        It is taken over at the next boundary between segments; refused where what has begun would differ.
        """
        body = ReviseRun(protocol_text, reason, dict(variables or {}))
        return (await self._link.call(routes.RUN_REVISE, run_id, body=body)).revision

    async def add_cycles(self, run_id: str, cycles: int, *, reason: str = "") -> int:
        """Add cycles to the last loop; returns the number of the new revision."""
        body = AddCycles(cycles, reason)
        return (await self._link.call(routes.RUN_ADD_CYCLES, run_id, body=body)).revision

    async def take_spectrum(
        self,
        run_id: str,
        f_start_Hz: float,
        f_end_Hz: float,
        *,
        points_per_decade: int = 10,
        amplitude_rms_V: float = 0.01,
        amplitude_rms_A: float | None = None,
        settle_s: float = 10.0,
        on: str = "",
        reason: str = "",
    ) -> str:
        """Take a spectrum when the run's present device test is over, then go on; returns the station's sentence.

        A person moves the leads and confirms (``handovers.confirm``). Amplitudes are rms; ``amplitude_rms_A`` makes it
        galvanostatic. ``on`` names the potentiostat, empty = the first that takes the cell.
        """
        body = TakeSpectrum(
            f_start_Hz, f_end_Hz, points_per_decade, amplitude_rms_V, amplitude_rms_A, settle_s, on, reason
        )
        return (await self._link.call(routes.RUN_EIS, run_id, body=body)).text

    async def take_up(self, run_id: str, *, reason: str = "") -> tuple[str, ...]:
        """Follow a run again that was left: read the instrument, fetch what it kept; never starts anything.

        Returns what stands against it, in sentences; empty = nothing.
        """
        return await self._link.call(routes.RUN_TAKE_UP, run_id, body=Reason(reason))

    # -- following --------------------------------------------------------------------------------------------------

    async def follow(self, run_id: str) -> AsyncIterator[RunSummary]:
        """Yield how a run stands, at each change, until it has ended; the last one has its outcome."""
        mirror = AsyncMirror(self._link, ("run",))
        told: RunSummary | None = None
        await mirror.update()
        while True:
            live = mirror.state.get(("run", str(run_id)))
            over = live is None or live.get("phase") == ENDED
            if told is None or over:
                base = (await self.get(run_id)).summary
            now = base if over or live is None else _with_live(base, live)
            if now != told:
                told = now
                yield now
            if now.state == ENDED:
                return
            await mirror.update(LOOK_S if over else 25.0)

    async def wait(self, run_id: str) -> RunSummary:
        """Wait until a run has ended; return how."""
        last: RunSummary | None = None
        async for summary in self.follow(run_id):
            last = summary
        assert last is not None
        return last


def _with_live(base: RunSummary, live: Mapping[str, Any]) -> RunSummary:
    """Return the summary with what the engine says of the live run."""
    names = ("phase", "cycle", "cycles", "rows", "test_time_s", "voltage_V", "current_A", "sentence")
    words = {name: live[name] for name in names if name in live}
    words["sentence"] = live.get("note") or live.get("sentence") or ""
    typed = from_plain(RunSummary, {"run_id": base.run_id, "cell_id": "", "cell_name": "", "channel": "",
                                    "protocol": "", "state": base.state, **words})  # fmt: skip
    return replace(base, **{name: getattr(typed, name) for name in words})
