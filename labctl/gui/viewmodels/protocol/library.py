"""The station's protocols as a list: ready-made ones (read-only), those that people saved, and own drafts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from labctl.gui.viewmodels import text as words_of
from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.protocol.drafts import Draft, Drafts
from labctl.gui.viewmodels.words import tr
from labctl.model.library import ProtocolInfo, ProtocolText

WAITING = 20.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list. ``draft`` is set where this computer has an unsaved text of it."""

    name: str
    title: str
    origin: str
    revision: str
    saved: str
    in_use: str
    description: str
    read_only: bool
    problem: str = ""
    draft: Draft | None = None
    info: ProtocolInfo | None = None

    @property
    def key(self) -> str:
        """Return what the line is known by."""
        return self.name if self.info is not None else f"draft:{self.name}"


class Library:
    """The list, narrowed by a search; asks the station for it and for the texts of what is looked at."""

    def __init__(self, lab: Lab, asks: Asks, drafts: Drafts) -> None:
        self._lab, self._asks, self.drafts = lab, asks, drafts
        self.infos: tuple[ProtocolInfo, ...] = ()
        self.texts: dict[str, ProtocolText] = {}
        self.trouble: Trouble | None = None
        self.loading = False
        self.search = ""
        self._observers: list[Callable[[], None]] = []

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call when the list has changed; returns what ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer) if observer in self._observers else None

    def _tell(self) -> None:
        for observer in tuple(self._observers):
            observer()

    def refresh(self) -> None:
        """Ask the station for its protocols."""
        self.loading = True
        self._asks.ask("protocols.list", then=self._take, failed=self._failed, deadline_s=WAITING)

    def _take(self, infos: tuple[ProtocolInfo, ...]) -> None:
        self.infos, self.trouble, self.loading = tuple(infos), None, False
        self.texts = {name: text for name, text in self.texts.items()
                      if any(info.name == name and info.digest == text.digest for info in self.infos)}  # fmt: skip
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble, self.loading = trouble, False
        self._tell()

    def look_at(self, name: str) -> None:
        """Ask for a protocol's text and sentences, where they are not known."""
        if name in self.texts:
            return

        def take(text: ProtocolText) -> None:
            self.texts[name] = text
            self._tell()

        self._asks.ask("protocols.get", name, then=take, failed=self._failed, deadline_s=WAITING)

    def find(self, text: str) -> None:
        """Narrow the list to what holds all words."""
        self.search = text
        self._tell()

    def in_use(self, title: str) -> int:
        """Return how many runs go on with a protocol of this title."""
        over = ("", "done", "stopped", "failed", "ended")
        return sum(run.protocol == title and run.phase not in over for run in self._lab.runs.values())

    def entries(self, now: datetime | None = None) -> tuple[Entry, ...]:
        """Return the lines: own drafts that were never saved, then the station's by name."""
        drafts = {draft.key: draft for draft in self.drafts.all()}
        lines = [self._of_draft(draft) for draft in drafts.values() if not draft.name]
        lines += [self._of_info(info, drafts.get(info.name)) for info in self.infos]
        known = {info.name for info in self.infos}
        lines += [
            self._of_draft(draft) for draft in drafts.values() if draft.name and draft.name not in known
        ]
        words = self.search.lower().split()
        return tuple(line for line in lines if all(
            any(word in part.lower() for part in (line.name, line.title, line.description, line.origin))
            for word in words))  # fmt: skip

    def _of_draft(self, draft: Draft) -> Entry:
        name = draft.name or draft.key.removeprefix("draft:")
        return Entry(name, name, tr("protocollibrary", "draft on this computer"), "", draft.utc[:16].replace("T", " "),
                     "", "", False, draft=draft)  # fmt: skip

    def _of_info(self, info: ProtocolInfo, draft: Draft | None) -> Entry:
        origin = (
            tr("protocollibrary", "template") if info.read_only else tr("protocollibrary", "this station")
        )
        revision = f"rev {info.revision}" if info.revision else ""
        if draft is not None:
            revision = (revision + " + " if revision else "") + tr("protocollibrary", "draft")
        saved = f"{info.utc[:16].replace('T', ' ')} {info.by}".strip()
        used = self.in_use(info.title)
        text = (
            words_of.plural(used, tr("protocollibrary", "{n} run"), tr("protocollibrary", "{n} runs"))
            if used
            else ""
        )
        return Entry(info.name, info.title, origin, revision, saved, text.format(n=used), info.description,
                     info.read_only, info.problem, draft, info)  # fmt: skip
