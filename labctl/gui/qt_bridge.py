"""The one thread hop: station client in threads with event loops of their own, widgets in the GUI's thread.

What the station tells is merged and handed over at most every ``HAND_OVER_S``, and not before the window has taken
what came last: a window that is busy makes the client wait, never the memory grow. Every ask ends in ``then`` or
``failed``, at the latest at its deadline. Stop all outputs has a thread and a connection of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from labctl.clock import link_now_s
from labctl.gui.loopthread import LoopThread
from labctl.gui.stationfeed import StationFeed
from labctl.gui.troubles import overdue, trouble_of

if TYPE_CHECKING:
    from labctl.api.client.aio.station import AsyncStation
    from labctl.gui.viewmodels.acts import Trouble
    from labctl.gui.viewmodels.batches import Batch
    from labctl.model.bench import StationInfo, StopAll

T = TypeVar("T")
Connect = Callable[[bool], Awaitable["AsyncStation"]]
"""Opens a connection; True = a station may be started where none serves. Raises: LabctlError with what to do."""

DEADLINE_S = 10.0
STOP_DEADLINE_S = 5.0
"""After this a stop is told as not confirmed; it is tried on as long as the client's patience lasts."""
PACE_DEADLINE_S = 5.0
GRACE_S = 0.5
"""How long past its deadline an ask may be before the window itself gives it up."""
GUARD_MS = 250
JOIN_S = 5.0
STOP_TRIED_S = 30.0
"""How long a stop whose station began anew under it is sent again: as long as the client waits for a station."""
TRIED_S = {"runs.stop": STOP_TRIED_S}
"""Asks that are not taken back at their deadline: of a thousand stops the last may be answered late."""
STOP_VERB = "station.stop_all"
"""Goes over the connection of its own, whoever asks."""


@dataclass(slots=True)
class _Waiting:
    """An ask that is under way."""

    what: str
    then: Callable[[Any], None] | None
    failed: Callable[[Trouble], None] | None
    until_s: float


class Bridge(QObject):
    """Lives in the GUI's thread; implements ``Asks`` of the view-models."""

    arrived = Signal(object)
    """A ``Batch``; emitted in the GUI's thread."""
    informed = Signal(object)
    """``StationInfo``, about every second while the link lives: it has the bench's time."""
    stop_late = Signal(object)
    """A ``StopAll`` that came after its deadline had been told as not confirmed."""
    stop_lost = Signal(object)
    """A ``Trouble``: a stop that had been told as not confirmed has failed for good; nobody tries it any more."""
    _due = Signal(object)

    def __init__(self, connect: Connect, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._connect = connect
        self._number = 0
        self._waiting: dict[int, _Waiting] = {}
        self._follows: dict[object, frozenset[str]] = {}
        self._pool = ThreadPoolExecutor(1, "labctl-decimate")
        self._feed = StationFeed(connect, self._hand_over, self._hand_info)
        self._client = LoopThread("labctl-client", self._feed.serve)
        self._stopper = _Stopper(connect)
        self._stop_thread = LoopThread("labctl-stop", self._stopper.serve)
        self._guard = QTimer(self)
        self._guard.timeout.connect(self._give_up_overdue)
        self._due.connect(self._run_due)
        self._closed = False

    # -- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect, and go on for ever."""
        self._client.start()
        self._stop_thread.start()
        self._guard.start(GUARD_MS)

    def close(self) -> bool:
        """Hang up and end the threads; False where one does not end in time. The station goes on."""
        if self._closed:
            return True
        self._closed = True
        self._guard.stop()
        self._waiting.clear()
        self._client.end()
        self._stop_thread.end()
        self._pool.shutdown(wait=True, cancel_futures=True)  # what is computed now is short
        return all([self._client.joined(JOIN_S), self._stop_thread.joined(JOIN_S)])

    @property
    def address(self) -> str:
        """Return where the station answers; empty before it has."""
        return self._feed.address

    # -- asking -----------------------------------------------------------------------------------------------------

    def ask(
        self,
        verb: str,
        /,
        *args: Any,
        then: Callable[[Any], None] | None = None,
        failed: Callable[[Trouble], None] | None = None,
        deadline_s: float = DEADLINE_S,
        **words: Any,
    ) -> None:
        """Ask by the client's dotted path: ``ask("runs.stop", run_id, reason="...", then=...)``."""

        async def call(station: AsyncStation) -> Any:
            target: Any = station
            for name in verb.removeprefix("station.").split("."):
                target = getattr(target, name)
            return await target(*args, **words)

        if verb == STOP_VERB:
            self._send_stop(call, then, failed, deadline_s)
        else:
            self.run(call, then, failed, deadline_s, what=verb, tried_s=TRIED_S.get(verb, 0.0))

    def run(
        self,
        call: Callable[[AsyncStation], Awaitable[T]],
        then: Callable[[T], None] | None = None,
        failed: Callable[[Trouble], None] | None = None,
        deadline_s: float = DEADLINE_S,
        *,
        what: str = "",
        tried_s: float = 0.0,
    ) -> None:
        """Run ``call`` in the client's loop; ``then`` or ``failed`` run here, once.

        ``tried_s``: how long the call goes on behind its deadline, though ``failed`` has been told.
        """
        number = self._expect(what, then, failed, deadline_s)

        async def work() -> T:
            return await call(await self._feed.station())

        self._client.post(lambda: self._answer(number, what, work, deadline_s + tried_s))

    @property
    def executor(self) -> Executor:
        """Return where plots have their columns made: the thread of ``work``."""
        return self._pool

    def work(
        self,
        function: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Trouble], None] | None = None,
        deadline_s: float = 60.0,
    ) -> None:
        """Compute outside the GUI's thread (decimation, export); ``then`` runs here."""
        if self._closed:  # a view's last timer: there is nobody left to show it to
            return
        number = self._expect("work", then, failed, deadline_s)

        def done() -> None:
            try:
                answer = function()
            except Exception as bug:
                self._finish(number, None, trouble_of("work", bug))
            else:
                self._finish(number, answer, None)

        self._pool.submit(done)

    def stop_all(
        self,
        reason: str,
        then: Callable[[StopAll], None],
        failed: Callable[[Trouble], None],
    ) -> None:
        """Stop all outputs over the connection that nothing else uses. After 5 s ``failed`` says not confirmed."""
        self.ask(STOP_VERB, reason, then=then, failed=failed, deadline_s=STOP_DEADLINE_S)

    def set_pace(self, speed: str, failed: Callable[[Trouble], None]) -> None:
        """Ask the station for another speed of its virtual bench (``600``, ``max``)."""
        wish = None if speed == "max" else float(speed)

        async def call(station: AsyncStation) -> object:
            return await station.set_pace(wish)

        self.run(call, failed=failed, deadline_s=PACE_DEADLINE_S, what="pace")

    def _send_stop(
        self,
        call: Callable[[AsyncStation], Awaitable[Any]],
        then: Callable[[Any], None] | None,
        failed: Callable[[Trouble], None] | None,
        deadline_s: float,
    ) -> None:
        number = self._expect("stop all", then, failed, deadline_s)

        async def work() -> None:
            try:
                answer = await self._stopper.stop(call)
            except Exception as error:
                self._finish_stop(number, None, trouble_of("stop all", error))
            else:
                self._finish_stop(number, answer, None)

        self._stop_thread.post(work)

    # -- live rows --------------------------------------------------------------------------------------------------

    def follow(self, owner: object, run_ids: Collection[str]) -> None:
        """Have live rows of runs come with the batches as long as ``owner`` wants them; empty = no more.

        Rows that pass while the set changes are fetched: nothing is missed, nothing comes twice.
        """
        if run_ids:
            self._follows[owner] = frozenset(run_ids)
        else:
            self._follows.pop(owner, None)
        wanted: frozenset[str] = frozenset().union(*self._follows.values())
        self._client.call(lambda: self._feed.follow(wanted))

    # -- hops -------------------------------------------------------------------------------------------------------

    def _expect(
        self,
        what: str,
        then: Callable[[Any], None] | None,
        failed: Callable[[Trouble], None] | None,
        deadline_s: float,
    ) -> int:
        self._number += 1
        self._waiting[self._number] = _Waiting(what, then, failed, link_now_s() + deadline_s)
        return self._number

    async def _answer(
        self, number: int, what: str, work: Callable[[], Coroutine[Any, Any, Any]], deadline_s: float
    ) -> None:
        try:
            async with self._client.timeout(deadline_s):
                answer = await work()
        except Exception as error:
            self._finish(number, None, trouble_of(what, error, link_text=self._feed.problem))
        else:
            self._finish(number, answer, None)

    def _finish(self, number: int, answer: Any, trouble: Trouble | None) -> None:
        """Hand an answer to the GUI's thread; called in any thread."""
        self._later(lambda: self._conclude(number, answer, trouble))

    def _finish_stop(self, number: int, answer: StopAll | None, trouble: Trouble | None) -> None:
        def tell() -> None:
            if self._conclude(number, answer, trouble):
                return
            if trouble is None:
                self.stop_late.emit(answer)
            else:
                self.stop_lost.emit(trouble)

        self._later(tell)

    def _conclude(self, number: int, answer: Any, trouble: Trouble | None) -> bool:
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            return False
        if trouble is not None:
            if waiting.failed is not None:
                waiting.failed(trouble)
        elif waiting.then is not None:
            waiting.then(answer)
        return True

    def _give_up_overdue(self) -> None:
        now_s = link_now_s()
        for number, waiting in list(self._waiting.items()):
            grace_s = 0.0 if waiting.what == "stop all" else GRACE_S
            if now_s > waiting.until_s + grace_s:
                self._conclude(number, None, overdue(waiting.what, self._feed.problem))

    def _later(self, call: Callable[[], object]) -> None:
        if not self._closed:
            self._due.emit(call)

    @Slot(object)
    def _run_due(self, call: Callable[[], object]) -> None:
        if not self._closed:
            call()

    def _hand_over(self, batch: Batch) -> None:
        """Take a batch from the client's thread."""

        def deliver() -> None:
            try:
                self.arrived.emit(batch)
            finally:
                self._client.call(self._feed.taken)

        self._later(deliver)

    def _hand_info(self, info: StationInfo) -> None:
        self._later(lambda: self.informed.emit(info))


class _Stopper:
    """The connection of Stop all outputs: opened early, used for nothing else."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._station: AsyncStation | None = None
        self.problem = ""

    async def serve(self, thread: LoopThread) -> None:
        """Keep a connection ready until the window ends."""
        try:
            while self._station is None:
                try:
                    found = await self._connect(False)
                    if self._station is None:
                        self._station = found
                    else:  # a stop was faster
                        await found.close()
                except Exception as error:  # the feed tells of it; here only the next try counts
                    self.problem = str(error)
                    await thread.sleep(1.0)
            await thread.over()
        finally:
            if self._station is not None:
                await self._station.close()

    async def stop(self, call: Callable[[AsyncStation], Awaitable[Any]]) -> Any:
        """Send the stop; connect first where that has not been possible yet. Raises: LabctlError."""
        from labctl.api.client.answers import FateUnknown

        if self._station is None:
            found = await self._connect(False)
            if self._station is None:
                self._station = found
            else:  # ``serve`` was faster
                await found.close()
        until_s = link_now_s() + STOP_TRIED_S
        while True:
            try:
                return await call(self._station)
            except FateUnknown:  # the station began anew under it: a stop may be sent twice
                if link_now_s() > until_s:
                    raise
