"""Checkers of commands and of time: I05, I06, I08 (commands), I09, I10, I13, I14, I18."""

from __future__ import annotations

from collections import deque

from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.model.cell import CellKind
from labctl.model.record import QUALITY_GOOD, RecordBlock
from labctl.testing.faultstory import channel_limits_V
from labctl.testing.faultworld import ENERGISING, READING, STOPPING, Injected, WireKind, WireNote
from labctl.testing.invariants import FOLLOWED, Checker, Known, RunView

TRIP_WITHIN_S = 1.0
"""T_trip: trip sample received to safe action sent."""
HARD_FACTOR = 1.05
REPLY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
BACKOFF_MAX_S = 60.0
RECOVER_S = 60.0
HARMLESS = frozenset(
    {"F01", "F02", "F03", "F04", "F07", "F09", "F10", "F11", "F15", "F21", "F22", "F23", "F24", "F30", "F43"}
)
"""Faults that no run may be held for: it goes on by itself (sections 3 and 7)."""


class LimitsHold(Checker):
    """I05: a trip sample leads to a stop on the wire within T_trip; nothing is energised before a person resets."""

    id, name = "I05", "LIMITS-HOLD"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._streak: dict[str, int] = {}
        self._due: dict[str, tuple[float, str]] = {}
        self._tripped: dict[str, float] = {}
        self._stopped_s: dict[str, float] = {}

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Judge rows as the spec says: two in a row beyond a limit, or one beyond 1.05 times it."""
        run = self.known.runs[run_id]
        low_V, high_V = channel_limits_V(self.known.cells[run.channel].kind)
        self.checked += 1
        if run.channel in self._tripped:
            return
        scale = max(abs(low_V), abs(high_V))
        for value_V, quality in zip(block["voltage_volt"].tolist(), block["quality"].tolist(), strict=True):
            if quality != QUALITY_GOOD:
                continue
            beyond = value_V > high_V or value_V < low_V
            self._streak[run_id] = self._streak.get(run_id, 0) + 1 if beyond else 0
            margin_V = (HARD_FACTOR - 1.0) * scale
            hard = value_V > high_V + margin_V or value_V < low_V - margin_V
            if self._streak[run_id] >= 2 or hard:
                self._trip(run, value_V)
                return

    def _trip(self, run: RunView, value_V: float) -> None:
        now_s = self.world.now_s
        if self.world.truth(run.channel)["status"] == "protect":
            return  # the device saw the same rows and was faster: that is its own end, and no latch of ours
        self._tripped[run.channel] = now_s
        if self._stopped_s.get(run.channel, -1e9) < now_s - REPLY_TIMEOUT_S:
            self._due[run.channel] = (now_s + TRIP_WITHIN_S, f"{run.run_id} reads {value_V:.3f} V")

    def wire(self, note: WireNote) -> None:
        """Hear stops; refuse what energises a tripped channel."""
        if note.kind is WireKind.SENT and note.command in STOPPING:
            for place in note.places:
                channel = f"{note.instrument}:{place}"
                self._stopped_s[channel] = note.at_s
                self._due.pop(channel, None)
        if note.kind is WireKind.ARRIVED and note.command in ENERGISING:
            for place in note.places:
                channel = f"{note.instrument}:{place}"
                if channel in self._tripped:
                    self.flaw(f"{note.command} for {channel}, which is tripped and not reset by a person")

    def reset(self, channel: str) -> None:
        """Hear that a person has reset a channel."""
        self._tripped.pop(channel, None)
        self._due.pop(channel, None)

    def passed(self, bench_s: float) -> None:
        """Look for stops that are overdue and for tripped channels that go on."""
        for channel, (due_s, text) in list(self._due.items()):
            if self.world.dead or not self.world.link_is_up(channel.partition(":")[0]):
                self._due[channel] = (bench_s + 2 * RECOVER_S, text)
            elif bench_s > due_s:
                del self._due[channel]
                if self.world.truth(channel)["status"] == "working":
                    self.flaw(f"{text} on {channel}: no stop within {TRIP_WITHIN_S:g} s")
        for channel, tripped_s in self._tripped.items():
            settled = bench_s > tripped_s + 600.0 and not self.known.disturbed(bench_s - 600.0)
            if settled and not self.world.dead and self.world.truth(channel)["status"] == "working":
                self._tripped[channel] = bench_s
                if any(run.channel == channel and not run.left for run in self.known.runs.values()):
                    self.flaw(f"{channel} tripped {bench_s - tripped_s:.0f} s ago and still drives current")

    def life_begins(self, life: int) -> None:
        """Give the new process time to open its links."""
        for channel, (_, text) in self._due.items():
            self._due[channel] = (self.world.now_s + 2 * RECOVER_S, text)


class SafeOnSilence(Checker):
    """I06: contact lost: the run is shown as STALE, nothing starts or stops by itself, attempts go on at 1 to 60 s."""

    id, name = "I06", "SAFE-ON-SILENCE"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._down_s: dict[str, float] = {}
        self._tried_s: dict[str, float] = {}
        self._told: set[tuple[str, float]] = set()
        self._stop_asked: dict[str, float] = {}

    def fault(self, fault: Injected) -> None:
        """Count from its end where the computer sleeps."""
        if fault.fid == "F16":
            self._tried_s = dict.fromkeys(self._tried_s, fault.until_s)

    def opened(self, instrument: str, link: int, accepted: bool) -> None:
        """Note an attempt."""
        self._tried_s[instrument] = self.world.now_s

    def wire(self, note: WireNote) -> None:
        """Note use of the link; a stop must have been decided."""
        if note.kind is WireKind.SENT:
            self._tried_s[note.instrument] = note.at_s

    def life_begins(self, life: int) -> None:
        """Begin to count anew."""
        self._down_s.clear()
        self._tried_s.clear()

    def passed(self, bench_s: float) -> None:
        """Look at instruments that are out of sight."""
        if self.world.dead:
            return
        for instrument in {run.instrument for run in self.known.active()}:
            if self.world.link_is_up(instrument):
                self._down_s.pop(instrument, None)
                continue
            down_s = self._down_s.setdefault(instrument, bench_s)
            self._shown_stale(instrument, down_s, bench_s)
            tried_s = max(self._tried_s.get(instrument, down_s), down_s)
            bound_s = BACKOFF_MAX_S + 2 * REPLY_TIMEOUT_S + self.known.poll_s
            if bench_s - tried_s > bound_s + 30.0 and ("try", down_s) not in self._told:
                self._told.add(("try", down_s))
                self.flaw(
                    f"{instrument} is out of sight and has not been tried for {bench_s - tried_s:.0f} s"
                )

    def _shown_stale(self, instrument: str, down_s: float, bench_s: float) -> None:
        noticed_s = down_s + self.known.poll_s + 2 * REPLY_TIMEOUT_S + 10.0
        if bench_s < noticed_s or (instrument, down_s) in self._told:
            return
        self.checked += 1
        if self.known.disturbed(down_s - 60.0, fids=("F16",)):
            return
        for run in self.known.active(instrument):
            if run.phase is Phase.RUNNING:
                self._told.add((instrument, down_s))
                self.flaw(
                    f"{run.run_id} is shown as running; {instrument} is out of sight for {bench_s - down_s:.0f} s"
                )


class RightCell(Checker):
    """I08: each command belongs to the cell that is bound to that channel at that moment."""

    id, name = "I08", "RIGHT-CELL"

    def at_end(self) -> None:
        """Compare each start that the device took with the run whose mark it carries."""
        for channel in self.known.story.channels:
            for entry in self.world.truth(str(channel))["commands"]:
                run = self.known.runs.get(entry["barcode"].rpartition(".")[0])
                if entry["command"] != "start" or not entry["accepted"] or run is None:
                    continue
                self.checked += 1
                if run.channel != str(channel):
                    self.flaw(f"{run.run_id} of {run.channel} was started on {channel}")

    def wire(self, note: WireNote) -> None:
        """Look into the channel when a start arrives: a cell of another class must not be energised."""
        if note.kind is not WireKind.ARRIVED or note.command != "start":
            return
        for place in note.places:
            channel = f"{note.instrument}:{place}"
            cell, held = self.known.cells.get(channel), self.world.truth(channel)["cell"]
            if cell is None or held is None:
                continue
            self.checked += 1
            if (
                held["cell_id"] != str(cell.cell_id)
                and abs(held["ocv_V"]) > 2.0
                and cell.kind is CellKind.SYMMETRIC
            ):
                self.flaw(
                    f"{channel} is started with {held['cell_id']} at {held['ocv_V']:.2f} V in place of {cell.cell_id}"
                )

    def progress(self, progress: Progress) -> None:
        """Look whether the test that is followed carries the run's mark."""
        run = self.known.runs[progress.run_id]
        if progress.phase is Phase.RUNNING and run.phases and run.phases[-1][0] == self.world.now_s:
            marks = self.world.truth(run.channel)["tests"].values()
            if not any(mark.startswith(f"{run.run_id}.") for mark in marks):
                self.flaw(f"{run.run_id} is said to run; no test on {run.channel} carries its mark")


class NoBlindRetry(Checker):
    """I09: what raises energy is never sent again before the device's state has been read back."""

    id, name = "I09", "NO-BLIND-RETRY"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._unread: dict[str, str] = {}

    def wire(self, note: WireNote) -> None:
        """Follow commands and the answers that were read between them."""
        for place in note.places:
            channel = f"{note.instrument}:{place}"
            if note.kind is WireKind.REPLY and note.command in READING:
                self._unread.pop(channel, None)
            elif note.kind is WireKind.SENT and note.command in ENERGISING:
                self.checked += 1
                if channel in self._unread:
                    self.flaw(
                        f"{note.command} for {channel} is sent after {self._unread[channel]} without a read-back"
                    )
                self._unread[channel] = note.command

    def life_begins(self, life: int) -> None:
        """Ask a new process to read every channel before it energises it."""
        for channel in self.known.story.channels:
            self._unread[str(channel)] = "the start of the process"

    def at_end(self) -> None:
        """Count the starts that took effect: one for each mark."""
        for channel in self.known.story.channels:
            seen: set[str] = set()
            for entry in self.world.truth(str(channel))["commands"]:
                if entry["command"] == "start" and entry["accepted"]:
                    if entry["barcode"] in seen:
                        self.flaw(f"{channel}: {entry['barcode']} was started twice")
                    seen.add(entry["barcode"])


class StateAgrees(Checker):
    """I10: engine and device agree within 3 T_poll + 5 s, else the run is UNKNOWN or an alarm is up."""

    id, name = "I10", "STATE-AGREES"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._differs_s: dict[str, float] = {}
        self._goes_on_s: dict[str, float] = {}
        self._blind_s: dict[str, float] = {}
        self._looked_s = 0.0
        self.alarmed: dict[str, set[str]] = {}

    def progress(self, progress: Progress) -> None:
        """Count anew where a run is seen to work between two looks of ours, as after one of two outages."""
        run = self.known.runs[progress.run_id]
        seen = run.phase is Phase.RUNNING and self.world.link_is_up(run.instrument)
        if seen and run.run_id in self._differs_s and self.world.truth(run.channel)["status"] == "working":
            del self._differs_s[run.run_id]

    def passed(self, bench_s: float) -> None:
        """Compare once per poll period."""
        if self.world.dead or bench_s - self._looked_s < self.known.poll_s:
            return
        self._looked_s = bench_s
        bound_s = 3 * self.known.poll_s + 5.0
        self._look_at_ends(bench_s, bound_s)
        for run in list(self.known.active()):
            if run.phase not in FOLLOWED:
                self._differs_s.pop(run.run_id, None)
                continue
            self.checked += 1
            up = self.world.link_is_up(run.instrument)
            self._look_at_blind(run, bench_s, up=up)
            status = self.world.truth(run.channel)["status"] if up else "unseen"
            if status == "working" or (not up and run.phase is Phase.UNKNOWN):
                self._differs_s.pop(run.run_id, None)
                continue
            since_s = self._differs_s.setdefault(run.run_id, bench_s)
            slack_s = 2 * self.known.poll_s + 3 * REPLY_TIMEOUT_S + BACKOFF_MAX_S
            if bench_s - since_s > bound_s + slack_s and not self._excused(run, since_s):
                self._differs_s[run.run_id] = bench_s + 1e9
                self.flaw(
                    f"{run.run_id} is {run.phase}, the channel has been {status} for {bench_s - since_s:.0f} s"
                )

    def _look_at_blind(self, run: RunView, bench_s: float, *, up: bool) -> None:
        """Look for a run that is shown as out of sight long after its instrument answers again (I18)."""
        since_s = self._blind_s.setdefault(run.run_id, bench_s)
        blind = up and run.phase is not Phase.RUNNING
        if not blind or self.known.disturbed(since_s, instrument=run.instrument):
            self._blind_s[run.run_id] = bench_s
        elif bench_s - since_s > RECOVER_S + 2 * self.known.poll_s + 2 * REPLY_TIMEOUT_S + BACKOFF_MAX_S:
            self._blind_s[run.run_id] = bench_s + 1e9
            self.flaw(f"{run.run_id} is {run.phase}, its instrument has been in sight for long", "I18")

    def _look_at_ends(self, bench_s: float, bound_s: float) -> None:
        """Look for runs that are said to be over, or about to be, whose test goes on."""
        newest = {run.channel: run for run in self.known.runs.values()}
        for run in newest.values():
            if run.ended is None and run.phase is not Phase.DRAINING:
                self._goes_on_s.pop(run.run_id, None)
                continue
            truth = self.world.truth(run.channel)
            if truth["status"] != "working" or not truth["barcode"].startswith(f"{run.run_id}."):
                self._goes_on_s.pop(run.run_id, None)
            elif bench_s - self._goes_on_s.setdefault(run.run_id, bench_s) > bound_s + 2 * BACKOFF_MAX_S:
                self._goes_on_s[run.run_id] = bench_s + 1e9
                if not self.known.told(run.run_id) & {"stop.unconfirmed"}:
                    self.flaw(f"{run.run_id} is {run.phase}, its test goes on")

    def _excused(self, run: RunView, since_s: float) -> bool:
        told = self.known.told(run.run_id)
        noisy = self.known.disturbed(
            self.world.now_s - 400.0, instrument=run.instrument,
            fids=("F01", "F02", "F03", "F04", "F05", "F06", "F07", "F09", "F10", "F16", "F18", "F19", "F41", "F44"),
        )  # fmt: skip
        return bool(told & {"state.differs", "poll.failed", "held", "store.failed", "link.unknown"}) or (
            noisy and self.world.link_is_up(run.instrument)
        )

    def life_begins(self, life: int) -> None:
        """Give the new process time."""
        self._differs_s.clear()
        self._blind_s.clear()


class MonotonicTime(Checker):
    """I13: no duration, time-out or step time depends on the wall clock: polls keep their pace over its jumps."""

    id, name = "I13", "MONO-TIME"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._asked_s: dict[str, float] = {}
        self._reported: set[str] = set()

    def wire(self, note: WireNote) -> None:
        """Note the moments of polls and other traffic."""
        if note.kind is WireKind.SENT:
            self._asked_s[note.instrument] = note.at_s
            self._reported.discard(note.instrument)

    def life_begins(self, life: int) -> None:
        """Begin to count anew."""
        self._asked_s.clear()

    def passed(self, bench_s: float) -> None:
        """Look for instruments with running tests that are not asked, with a link that is up."""
        if self.world.dead:
            return
        for instrument in {run.instrument for run in self.known.active() if run.phase in FOLLOWED}:
            asked_s = self._asked_s.get(instrument)
            self.checked += 1
            if asked_s is None or instrument in self._reported:
                continue
            bound_s = 2 * self.known.poll_s + REPLY_TIMEOUT_S + BACKOFF_MAX_S + 30.0
            if bench_s - asked_s > bound_s and self.world.link_is_up(instrument):
                if self.known.disturbed(
                    asked_s - 1.0, instrument=instrument, fids=("F07", "F09", "F10", "F16")
                ):
                    continue
                self._reported.add(instrument)
                jumped = self.known.disturbed(asked_s - 86400.0, fids=("F15",))
                text = f"{instrument} was last asked {bench_s - asked_s:.0f} s ago, T_poll is {self.known.poll_s:g} s"
                self.flaw(text, "" if jumped else "I18")


class Bounded(Checker):
    """I14: traffic, attempts, journals and memory stay inside declared caps."""

    id, name = "I14", "BOUNDED"
    WINDOW_S = 600.0
    EVENTS_BASE = 120
    EVENTS_PER_FAULT = 25
    EVENTS_PER_SEGMENT = 12

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._sent: dict[str, deque[float]] = {}
        self._tries: dict[str, deque[float]] = {}
        self._told: set[str] = set()

    def wire(self, note: WireNote) -> None:
        """Count requests in a window."""
        if note.kind is WireKind.SENT:
            cap = self.WINDOW_S / self.known.poll_s * (6 + 4 * len(self.known.story.channels)) + 600
            self._count(self._sent, note.instrument, note.at_s, cap, "requests")

    def opened(self, instrument: str, link: int, accepted: bool) -> None:
        """Count attempts in a window."""
        # an answer that makes no sense costs a connection: three tries a poll, and three for each channel by itself
        cap = 150 + self.WINDOW_S / self.known.poll_s * 3 * (2 + len(self.known.story.channels))
        self._count(self._tries, instrument, self.world.now_s, cap, "attempts to connect")

    def _count(
        self, counts: dict[str, deque[float]], instrument: str, at_s: float, cap: float, what: str
    ) -> None:
        self.checked += 1
        times = counts.setdefault(instrument, deque())
        times.append(at_s)
        while times[0] < at_s - self.WINDOW_S:
            times.popleft()
        if len(times) > cap and f"{instrument} {what}" not in self._told:
            self._told.add(f"{instrument} {what}")
            self.flaw(f"{len(times)} {what} for {instrument} in {self.WINDOW_S:g} s")

    def at_end(self) -> None:
        """Count the events of each run, and look at the disk's use."""
        for run in self.known.runs.values():
            reader = self.known.reader(run.run_id)
            kinds = [str(event.get("kind")) for event in reader.events()]
            events = len(kinds)
            spoilt = sum(fault.fid in ("F01", "F02", "F05", "F06", "F44") for fault in self.world.faults)
            if kinds.count("poll.failed") > 3 + 2 * spoilt:
                self.flaw(
                    f"{run.run_id} tells {kinds.count('poll.failed')} times that a poll failed, for {spoilt} faults"
                )
            segments = len(reader.manifest.get("segments", []))
            cap = (
                self.EVENTS_BASE
                + self.EVENTS_PER_FAULT * len(self.world.faults)
                + self.EVENTS_PER_SEGMENT * segments
            )
            if events > cap:
                self.flaw(f"{run.run_id} has {events} events; {cap} would be many")


class Recovers(Checker):
    """I18: after the last fault, each run that is neither tripped nor held records again within 60 s and a poll."""

    id, name = "I18", "RECOVERS"

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._judged = False

    def fault(self, fault: Injected) -> None:
        """Judge after the last one only."""
        self._judged = False

    def clear_s(self) -> float:
        """Return the moment at which the last fault was over; a cable counts for as long as it is out."""
        faults = (fault.until_s for fault in self.world.faults if fault.hit or fault.until_s <= fault.at_s)
        return max(self.world.cables_in_s(), *faults, 0.0)

    def passed(self, bench_s: float) -> None:
        """Judge once, when the bound has passed."""
        clear_s = max(self.clear_s(), self.world.life_began_s)
        bound_s = RECOVER_S + 2 * self.known.poll_s + 2 * REPLY_TIMEOUT_S + 45.0
        if self._judged or self.world.dead or not self.world.faults or bench_s < clear_s + bound_s:
            return
        if self.world.waiting_acts():
            return
        self._judged = True
        for run in self.known.runs.values():
            young = not run.phases or run.phases[0][0] > clear_s
            if young or (run.over and not run.left):
                continue
            self.checked += 1
            truth = self.world.truth(run.channel)
            ours = truth["barcode"].startswith(f"{run.run_id}.")
            if truth["status"] == "working" and ours and run.last_row_s < clear_s and not self._excused(run):
                self.flaw(f"{run.run_id} ({run.phase} {run.left}) gives no rows since the faults ended")

    def _excused(self, run: RunView) -> bool:
        """A run that was held or left for a reason that a person must look at is not to go on by itself."""
        return run.left.startswith(("held", "its data", "its start", "its files")) and self.may_hold(run)

    def may_hold(self, run: RunView) -> bool:
        """Tell whether a fault was there that ends or holds a run by rule."""
        return any(fault.fid not in HARMLESS for fault in self.world.faults)

    def ended(self, result: RunResult) -> None:
        """A run that is held without any fault that could hold it has not recovered."""
        run = self.known.runs[result.run_id]
        held = result.outcome is None and result.reason.startswith("held")
        if held or result.outcome is Outcome.HELD:
            self.checked += 1
            if not self.may_hold(run):
                self.flaw(
                    f"{result.run_id} is held though nothing that happened asks for it: {result.reason}"
                )
