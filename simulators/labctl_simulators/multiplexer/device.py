"""The multiplexer on its wire: one line in, at most one line out, and relays that move cells (potentiostat.md 2.7).

Commands are worked off one after another: a path that closes while the other one of its place is still opening waits
for it (break before make), and an answer waits until the contacts have settled.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from labctl.errors import UserInputError
from labctl_simulators.adminfields import number
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.methodscript.wire import LineReader
from labctl_simulators.multiplexer.faults import RelayFault, known_kind
from labctl_simulators.multiplexer.place import CYCLER, POTENTIOSTAT, Contact, Place, Violation
from labctl_simulators.multiplexer.words import LINE_MAX, Command, Verb, parsed
from labctl_simulators.voice import Voice
from labctl_simulators.world.loads import tick_after, tick_of

BREAK_BEFORE_MAKE_s = 0.05
LOG_MAX = 10_000
FIRMWARE = "1.0"


class Multiplexer:
    """One box. ``clock_s`` tells plant time; ``places`` are its places by number."""

    def __init__(
        self, name: str, serial: str, places: Mapping[int, Place], clock_s: Callable[[], float]
    ) -> None:
        self.name = name
        self.places = places
        self.path = ""
        self.on_violation: Callable[[float, str, str], None] | None = None
        self.on_accepted: Callable[[str], None] | None = None
        self._identity = f"labctl,virtual multiplexer,{serial},{FIRMWARE}"
        self._clock_s = clock_s
        self._moment_s = -math.inf
        self._voice = Voice(lambda: self.now_s)
        self._reader = LineReader()
        self._settled_s = -math.inf
        self._told_wrong: set[int] = set()
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_MAX)
        self._noted = 0

    @property
    def now_s(self) -> float:
        """Return plant time; the bench's own stands still while it lets events happen."""
        return max(self._clock_s(), self._moment_s)

    # -- links ---------------------------------------------------------------------------------------------

    def connect(self, *, permanent: bool = False) -> ScriptLink:
        """Open a connection; one that stands ends, and a half-sent line goes with it."""
        self._reader.clear()
        return self._voice.connect(self, permanent=permanent)

    def lost(self, link: ScriptLink) -> None:
        """Note that a connection has ended; the relays stay as they are."""
        self._voice.lost(link)

    def hear(self, link: ScriptLink, data: bytes) -> None:
        """Take bytes of a connection."""
        if link is not self._voice.link:
            return
        for line in self._reader.feed(data):
            command = parsed(line) if len(line) <= LINE_MAX else None
            if command is None:
                continue  # it has no words to complain with
            if command.verb in (Verb.IDENTITY, Verb.ASK):
                self._tell(command)
            else:
                self.perform(line)
                if self.on_accepted is not None:
                    self.on_accepted(line)

    def _tell(self, command: Command) -> None:
        text = self._identity
        if command.verb is Verb.ASK:
            contact = self._contact(command.path)
            if contact is None:
                return
            text = str(int(contact.closed is not (command.path in self._told_wrong)))
        self._voice.say(text.encode() + b"\n", max(0.0, self._settled_s - self.now_s))

    # -- relays --------------------------------------------------------------------------------------------

    def _contact(self, path: int) -> Contact | None:
        place = self.places.get(path % 100)
        return None if place is None else place.contacts.get(path // 100)

    def paths(self) -> Iterator[int]:
        """Yield the numbers of all paths, cycler paths first."""
        for side in (CYCLER, POTENTIOSTAT):
            for place in self.places.values():
                yield side * 100 + place.number

    def perform(self, line: str) -> None:
        """Do what a line asks of the relays; nothing for a path that the card does not have."""
        command = parsed(line)
        if command is None:
            return
        for path in [*self.paths()] if command.verb is Verb.OPEN_ALL else [command.path]:
            contact = self._contact(path)
            if contact is not None:
                contact.coil = command.verb is Verb.CLOSE
                self._follow(path, contact)

    def _follow(self, path: int, contact: Contact, *, by_command: bool = True) -> None:
        """Let a contact follow its coil, with all that comes of it; what nobody commanded violates nothing."""
        if not contact.follow():
            return
        place, side = self.places[path % 100], path // 100
        at_s = self.now_s
        if contact.closed:
            other = place.contacts[CYCLER + POTENTIOSTAT - side]
            at_s = max(at_s, other.changed_s + BREAK_BEFORE_MAKE_s)
            self._settled_s = max(self._settled_s, at_s)
        contact.changed_s = at_s
        self._noted += 1
        self._log.append({"plant_s": at_s, "path": path, "closed": contact.closed})
        for violation in place.moved(side, tick_of(self.now_s)):
            if by_command:
                self.violate(violation)

    def violate(self, violation: Violation) -> None:
        """Keep what should never have been done."""
        if self.on_violation is not None:
            self.on_violation(self.now_s, *violation)

    def lose_power(self) -> None:
        """Let every coil go, as a power cut does; the link ends."""
        for path in self.paths():
            contact = self._contact(path)
            if contact is not None:
                contact.coil = False
                self._follow(path, contact, by_command=False)
        self._reader.clear()
        self._voice.hang_up()

    # -- time ----------------------------------------------------------------------------------------------

    def next_tick(self) -> int:
        """Return the tick of the next event: of a cell that rests here, or of something said late."""
        tick = min(place.next_tick() for place in self.places.values())
        due_s = self._voice.due_s()
        return min(tick, tick_after(due_s)) if math.isfinite(due_s) else tick

    def happen(self) -> None:
        """Let the next event happen."""
        tick = self.next_tick()
        self._moment_s = tick / 10.0
        self._voice.say_late(self._moment_s)
        for place in self.places.values():
            if place.idle is not None and place.next_tick() <= tick:
                place.idle.happen()

    # -- faults and truth ----------------------------------------------------------------------------------

    def fault(self, kind: str, request: Mapping[str, Any]) -> None:
        """Begin a fault of the box or its link, or end it with ``on: false``. Raises: UserInputError."""
        if kind == "clear":
            self._voice.faults.clear()
            return
        known, on = known_kind(kind), bool(request.get("on", True))
        if not isinstance(known, RelayFault):
            self._voice.faults.arm(known, request) if on else self._voice.faults.disarm(known)
        elif known is RelayFault.POWER_CUT:
            self.lose_power()
        elif known is RelayFault.READBACK:
            paths = {self._wanted_path(request)} if "path" in request else set(self.paths())
            self._told_wrong = self._told_wrong | paths if on else self._told_wrong - paths
        else:
            path = self._wanted_path(request)
            contact = self._contact(path)
            assert contact is not None
            contact.stuck, contact.welded = on, contact.welded and on
            self._follow(path, contact, by_command=False)

    def of_the_link(self, kind: str) -> bool:
        """Tell whether a fault belongs to a connection, which ends with the process."""
        return kind not in RelayFault.__members__.values()

    def _wanted_path(self, request: Mapping[str, Any]) -> int:
        path = int(number(request, "path"))
        if self._contact(path) is None:
            raise UserInputError(
                f"{self.name} has no path {path}; it has {', '.join(map(str, self.paths()))}."
            )
        return path

    def truth(self, after: int = 0) -> dict[str, Any]:
        """Return the contacts, what hangs where, and every move of a contact behind the first ``after``."""
        gone = self._noted - len(self._log)
        return {
            "path": self.path,
            "connected": self._voice.link is not None,
            "closed": [path for path in self.paths() if (c := self._contact(path)) is not None and c.closed],
            "places": [place.truth() for place in self.places.values()],
            "switched": list(self._log)[max(after - gone, 0) :],
        }
