"""Acts on hardware never pretend: each is sent, then confirmed or not, and says so (R3, R4, R6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from labctl.gui.viewmodels.words import tr

STOP_DEADLINE_S = 5.0
DEADLINE_S = 10.0
CONFIRMED_SHOWN_S = 3.0
"""How long a confirmed act stays on its button."""
KEPT = 200
WRONG_KEPT = 5_000
"""Acts that went wrong and that nobody has put away: more than a station has channels."""


class ActState(StrEnum):
    """How an act stands."""

    SENDING = "sending"
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not confirmed"  # sent; the device did not say so in time
    REFUSED = "refused"  # the station said no; nothing was done
    FAILED = "failed"  # it did not reach the station, or broke there


@dataclass(frozen=True, slots=True)
class Act:
    """One act as it is shown. ``since_s`` is link time; ``took_s`` is 0 while it is sent."""

    id: int
    verb: str
    subject: str
    state: ActState
    text: str
    since_s: float
    took_s: float = 0.0

    @property
    def over(self) -> bool:
        """Tell whether nothing more is awaited."""
        return self.state is not ActState.SENDING


class TroubleKind(StrEnum):
    """Why an act came to nothing."""

    REFUSED = "refused"
    CONFLICT = "conflict"  # somebody else was faster (R15)
    DEADLINE = "deadline"  # no answer in time: nobody knows
    LINK = "link"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong: what, why, what next; ``details`` are folded away (R14)."""

    what: str
    why: str
    next: str = ""
    details: str = ""
    kind: TroubleKind = TroubleKind.FAILED

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.next) if part)


Then = Callable[[Any], None]
Failed = Callable[[Trouble], None]


class Asks(Protocol):
    """What a view-model may ask of the station. ``verb`` is a path of the client: ``runs.stop``, ``queue.hold``.

    ``then`` or ``failed`` is called once, in the GUI's thread, at the latest after ``deadline_s`` link seconds.
    """

    def ask(
        self,
        verb: str,
        /,
        *args: Any,
        then: Then | None = None,
        failed: Failed | None = None,
        deadline_s: float = DEADLINE_S,
        **words: Any,
    ) -> None:
        """Ask; returns at once."""


_STATE_OF_TROUBLE: dict[TroubleKind, ActState] = {
    TroubleKind.REFUSED: ActState.REFUSED,
    TroubleKind.CONFLICT: ActState.REFUSED,
    TroubleKind.DEADLINE: ActState.NOT_CONFIRMED,
    TroubleKind.LINK: ActState.NOT_CONFIRMED,
    TroubleKind.FAILED: ActState.FAILED,
}
STOPS = frozenset({"runs.stop", "station.stop_all", "runs.pause"})


class Acts:
    """The acts of this window, newest last, watched by buttons, tiles and the status line."""

    def __init__(self, asks: Asks, now_s: Callable[[], float]) -> None:
        self._asks = asks
        self._now_s = now_s
        self._acts: dict[int, Act] = {}
        self._newest: dict[str, int] = {}  # subject -> its newest act
        self._number, self._tidy_at = 0, KEPT
        self._watchers: list[Callable[[Act], None]] = []

    def watch(self, observer: Callable[[Act], None]) -> Callable[[], None]:
        """Call ``observer`` at each change of an act; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def send(
        self,
        verb: str,
        subject: str,
        /,
        *args: Any,
        text: str = "",
        then: Then | None = None,
        failed: Failed | None = None,
        **words: Any,
    ) -> Act:
        """Send an act and follow it. ``text`` says what is done: "Stop 1-23"."""
        self._number += 1
        act = Act(self._number, verb, subject, ActState.SENDING, text or f"{verb} {subject}", self._now_s())
        self._put(act)

        def good(answer: Any) -> None:
            self._end(act, *outcome(verb, answer))
            if then is not None:
                then(answer)

        def bad(trouble: Trouble) -> None:
            self._end(act, _STATE_OF_TROUBLE[trouble.kind], str(trouble))
            if failed is not None:
                failed(trouble)

        deadline_s = STOP_DEADLINE_S if verb in STOPS else DEADLINE_S
        self._asks.ask(verb, *args, then=good, failed=bad, deadline_s=deadline_s, **words)
        return self._acts.get(act.id, act)

    def ask(
        self,
        verb: str,
        /,
        *args: Any,
        then: Then | None = None,
        failed: Failed | None = None,
        deadline_s: float = DEADLINE_S,
        **words: Any,
    ) -> None:
        """Ask something that changes nothing: no act is shown."""
        self._asks.ask(verb, *args, then=then, failed=failed, deadline_s=deadline_s, **words)

    def _end(self, act: Act, state: ActState, text: str) -> None:
        took_s = self._now_s() - act.since_s
        self._put(replace(act, state=state, text=text or act.text, took_s=took_s))

    def _put(self, act: Act) -> None:
        self._acts[act.id] = act
        self._newest[act.subject] = max(act.id, self._newest.get(act.subject, 0))
        if len(self._acts) > self._tidy_at:
            self._forget_done()
        for observer in tuple(self._watchers):
            observer(act)

    def _forget_done(self) -> None:
        """Forget what is over, oldest first: a newest act that went wrong stays, nobody may have seen it yet."""
        done: list[int] = []
        wrong: list[int] = []
        for number, known in self._acts.items():
            if known.over:
                good = known.state is ActState.CONFIRMED or self._newest.get(known.subject) != number
                (done if good else wrong).append(number)
        more = len(self._acts) - KEPT
        for number in (*done[:more], *wrong[: max(0, len(wrong) - WRONG_KEPT)]):
            self._drop(number)
        kept = len(self._acts)
        self._tidy_at = (
            kept if kept <= KEPT else kept + KEPT
        )  # not at each act: a stop of all sends a thousand

    def _drop(self, number: int) -> None:
        subject = self._acts.pop(number).subject
        if self._newest.get(subject) == number:
            del self._newest[subject]

    @property
    def pending(self) -> tuple[Act, ...]:
        """Return the acts that are awaited."""
        return tuple(act for act in self._acts.values() if not act.over)

    def latest(self, subject: str, verb: str = "") -> Act | None:
        """Return the newest act on something that is still worth showing, None where there is none."""
        if subject not in self._newest:
            return None
        newest = self._acts[self._newest[subject]]
        if verb in ("", newest.verb):
            return newest if self._shown(newest) else None
        for act in reversed(self._acts.values()):
            if act.subject == subject and verb in ("", act.verb):
                return act if self._shown(act) else None
        return None

    def dismiss(self, act_id: int) -> None:
        """Forget an act that a person has seen; one that is still awaited stays."""
        known = self._acts.get(act_id)
        if known is not None and known.over:
            self._drop(act_id)

    def _shown(self, act: Act) -> bool:
        over_s = self._now_s() - act.since_s - act.took_s
        return act.state is not ActState.CONFIRMED or over_s < CONFIRMED_SHOWN_S


def outcome(verb: str, answer: Any) -> tuple[ActState, str]:
    """Return how an answer is to be read: a stop counts as confirmed only where the device has said so (R6)."""
    if isinstance(answer, str):
        open_end = "not confirmed" in answer.lower()
        return (ActState.NOT_CONFIRMED if open_end else ActState.CONFIRMED), answer
    confirmed = getattr(answer, "confirmed", None)
    if confirmed is not None:  # a stop of one run: the answer says whether the instrument read it back
        state = ActState.CONFIRMED if confirmed else ActState.NOT_CONFIRMED
        return state, str(getattr(answer, "text", ""))
    reports = getattr(answer, "reports", None)
    if verb == "station.stop_all" and reports is not None:
        missing = [str(report.channel) for report in reports if not report.confirmed]
        if missing:
            told = tr("acts", "{n} of {all} outputs not confirmed: {names}")
            return ActState.NOT_CONFIRMED, told.format(
                n=len(missing), all=len(reports), names=", ".join(missing)
            )
        return ActState.CONFIRMED, tr("acts", "{n} outputs stopped and read back").format(n=len(reports))
    return ActState.CONFIRMED, ""


def button_text(act: Act | None, rest: str) -> str:
    """Return what a button says: its own label, or how its act stands."""
    if act is None:
        return rest
    if act.state is ActState.SENDING:
        return tr("acts", "sending")
    if act.state is ActState.CONFIRMED:
        return tr("acts", "confirmed {s:.1f} s").format(s=act.took_s)
    if act.state is ActState.NOT_CONFIRMED:
        return tr("acts", "not confirmed")
    return tr("acts", "refused") if act.state is ActState.REFUSED else tr("acts", "failed")
