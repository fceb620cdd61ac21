"""Raw frames: what passed the links of an instrument, newest first, with the driver's reading of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.filters import matches
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.places import natural
from labctl.gui.viewmodels.text import count
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.rawframe import FrameKind, FramePage, RawFrame

PAGE = 100
KEPT_MAX = 5_000
TEXT_SHARE = 0.9
"""Bytes of which so many can be printed are shown as text."""
AGAIN_S = 2.0
KIND_WORDS: dict[FrameKind, str] = {
    FrameKind.OPEN: mark("frames", "link opened"), FrameKind.CLOSE: mark("frames", "link closed"),
    FrameKind.OUT: mark("frames", "sent"), FrameKind.IN: mark("frames", "received"),
    FrameKind.TIMEOUT: mark("frames", "no answer"), FrameKind.LOST: mark("frames", "closed by the peer"),
    FrameKind.BEGIN: mark("frames", "station began"), FrameKind.IDENTITY: mark("frames", "identity"),
    FrameKind.DROPPED: mark("frames", "not kept"), FrameKind.UNREADABLE: mark("frames", "unreadable"),
}  # fmt: skip
ICONS: dict[FrameKind, str] = {
    FrameKind.OUT: "arrow-up", FrameKind.IN: "arrow-down", FrameKind.TIMEOUT: "timer-off-outline",
    FrameKind.LOST: "link-variant-off", FrameKind.OPEN: "link-variant", FrameKind.CLOSE: "link-variant-off",
}  # fmt: skip
BAD_KINDS = frozenset({FrameKind.TIMEOUT, FrameKind.LOST, FrameKind.DROPPED, FrameKind.UNREADABLE})


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One frame, ready to be painted."""

    time: str
    icon: str
    kind: str
    link: str
    size: str
    hex: str
    text: str
    channels: str
    bad: bool


def plain_bytes(hex_text: str) -> str:
    """Return bytes as people read them: text where they are text, else two figures a byte."""
    try:
        raw = bytes.fromhex(hex_text)
    except ValueError:
        return hex_text
    text = raw.decode("ascii", errors="replace")
    printable = sum(letter.isprintable() and letter != "\ufffd" for letter in text)
    if raw and printable >= TEXT_SHARE * len(raw):
        return "".join(letter if letter.isprintable() else "·" for letter in text)
    return raw.hex(" ")


class Frames:
    """The frames of what is shown: a channel (``box:1-1``) or an instrument or chamber. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._watchers: list[Callable[[], None]] = []
        self._frames: list[RawFrame] = []
        self._outstanding = False
        self._asked_s = float("-inf")
        self.subject = ""
        self.follow = True
        self.search = ""
        self.earlier = ""
        self.kept_in = ""
        self.problem = ""
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def subjects(self) -> tuple[str, ...]:
        """Return what frames can be shown of: instruments, then chambers, then channels."""
        lab = self._lab
        return (*sorted(lab.instruments, key=natural), *sorted(lab.chambers, key=natural),
                *sorted(lab.channels, key=natural))  # fmt: skip

    def show(self, subject: str) -> None:
        """Show the newest frames of a channel, an instrument or a chamber."""
        if subject != self.subject:
            self.subject, self._frames, self.earlier, self.kept_in = subject, [], "", ""
            self.trouble, self.problem, self._outstanding, self._asked_s = None, "", False, float("-inf")
        self.refresh()
        self._tell()

    @property
    def _verb(self) -> str:
        if self.subject in self._lab.channels or ":" in self.subject:
            return "channels.frames"
        return "chambers.frames" if self.subject in self._lab.chambers else "instruments.frames"

    def refresh(self, *, anyway: bool = False) -> None:
        """Ask for what is new, while it is followed; ``anyway`` also where it is not."""
        waits = self._outstanding or self._lab.now_s - self._asked_s < AGAIN_S
        if (
            not self.subject
            or not self._lab.link.live
            or (waits and not anyway)
            or not (self.follow or anyway)
        ):
            return
        self._outstanding, self._asked_s = True, self._lab.now_s
        self._asks.ask(self._verb, self.subject, limit=PAGE, then=partial(self._take, self.subject),
                       failed=partial(self._failed, self.subject))  # fmt: skip

    def ask_earlier(self) -> None:
        """Ask for the page before the oldest that is shown; following stops, so that nothing moves under the eyes."""
        if self.earlier and not self._outstanding:
            self._outstanding, self.follow = True, False
            self._asks.ask(self._verb, self.subject, before=self.earlier, limit=PAGE,
                           then=partial(self._take_earlier, self.subject),
                           failed=partial(self._failed, self.subject))  # fmt: skip

    def set_follow(self, wanted: bool) -> None:
        """Follow the newest frames, or hold still."""
        self.follow = wanted
        self.refresh()
        self._tell()

    def set_search(self, text: str) -> None:
        """Show only frames with these words."""
        self.search = text
        self._tell()

    def _take(self, subject: str, page: FramePage) -> None:
        if subject != self.subject:
            return
        self._outstanding, self.trouble = False, None
        self.kept_in, self.problem = page.kept_in, page.trouble
        newest = self._frames[0] if self._frames else None
        fresh = list(page.frames)
        if newest is not None and newest in fresh:
            self._frames = (fresh[: fresh.index(newest)] + self._frames)[:KEPT_MAX]
        else:
            self._frames, self.earlier = fresh, page.earlier
        self._tell()

    def _take_earlier(self, subject: str, page: FramePage) -> None:
        if subject == self.subject:
            self._outstanding, self.trouble, self.earlier = False, None, page.earlier
            self._frames = (self._frames + list(page.frames))[-KEPT_MAX:]
            self._tell()

    def _failed(self, subject: str, trouble: Trouble) -> None:
        if subject == self.subject:
            self._outstanding, self.trouble = False, trouble
            self._tell()

    def rows(self) -> tuple[FrameRow, ...]:
        """Return what is shown, newest first."""
        found = []
        for frame in self._frames:
            row = self._row(frame)
            if matches(self.search, (row.kind, row.text, row.hex, row.channels, row.link)):
                found.append(row)
        return tuple(found)

    def _row(self, frame: RawFrame) -> FrameRow:
        when = utc_of(frame.utc)
        time = (
            frame.utc
            if when is None
            else f"{when.astimezone():%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d}"
        )
        left_out = " …" if frame.size > len(frame.hex.replace(" ", "")) // 2 else ""
        size = tr("frames", "{n} B").format(n=count(frame.size)) if frame.size else ""
        shown = plain_bytes(frame.hex)
        return FrameRow(time, ICONS.get(frame.kind, "information-outline"), tr("frames", KIND_WORDS[frame.kind]),
                        frame.link, size, shown + left_out if shown else "", frame.text,
                        ", ".join(str(channel) for channel in frame.channels), frame.kind in BAD_KINDS)  # fmt: skip

    @property
    def told(self) -> str:
        """Return what stands below the table: where frames are kept, or why there are none."""
        if self.trouble is not None:
            return str(self.trouble)
        if self.problem:
            return self.problem
        if self.kept_in:
            return tr("frames", "kept in {file}").format(file=self.kept_in)
        return "" if self._frames or self._outstanding else tr("frames", "No frame has passed yet.")
