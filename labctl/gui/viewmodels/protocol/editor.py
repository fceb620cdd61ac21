"""The open protocol: its document, the live check, drafts, revisions, saving, and the wishes of the keyboard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from labctl.gui.viewmodels.acts import Asks, Trouble, TroubleKind
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.protocol.document import Document
from labctl.gui.viewmodels.protocol.drafts import Draft, Drafts
from labctl.gui.viewmodels.protocol.header import new_text
from labctl.gui.viewmodels.protocol.judging import Judgement, absolute, judge
from labctl.gui.viewmodels.protocol.needs import Needs
from labctl.gui.viewmodels.protocol.remote import Remote
from labctl.gui.viewmodels.protocol.revisions import Change, changes
from labctl.gui.viewmodels.protocol.rows import HEADS, Column, Kind, Row
from labctl.gui.viewmodels.protocol.sketch import Sketch
from labctl.gui.viewmodels.protocol.steplines import Path
from labctl.gui.viewmodels.protocol.typed import pretty
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell
from labctl.model.library import CheckReport, ProtocolRevision, ProtocolText

CHECK_AFTER_S = 0.3
"""So long after the last edit the check begins."""
DRAFT_AFTER_S = 1.0
SAVE_S = 20.0
_SAFE = re.compile(r"[^A-Za-z0-9_-]+")

Work = Callable[[Callable[[], Judgement], Callable[[Judgement], None]], None]
"""Computes outside the GUI's thread; the second is called with the answer in it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the open text comes from. ``revision`` 0: a template's copy, a new one or an imported file."""

    name: str = ""
    revision: int = 0
    read_only: bool = False
    text: str = ""
    by: str = ""
    utc: str = ""
    source: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Clash:
    """Somebody else has saved meanwhile (R15). ``newest`` is theirs, once it is known."""

    told: str
    newest: ProtocolText | None = None


class Editor:
    """One open protocol at a time. Observers are called after anything has changed."""

    def __init__(self, lab: Lab, asks: Asks, drafts: Drafts, work: Work) -> None:
        self._lab, self._asks, self.drafts, self._work = lab, asks, drafts, work
        self.document = Document("", self._edited)
        self.origin = Origin()
        self.key = ""
        self.judgement = Judgement()
        self._needs: Needs | None = None
        self.cell: Cell | None = None
        self.folded: set[Path] = set()
        self.clash: Clash | None = None
        self.saving = False
        self.trouble: Trouble | None = None
        self.revisions: tuple[ProtocolRevision, ...] = ()
        self.compared: tuple[int, str] = (0, "")
        self.remote = Remote(lab, asks, self._tell)
        self.checking = False
        self._checked_version = -1
        self._sentences: dict[str, str] = {}
        self._observers: list[Callable[[], None]] = []

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call after every change; returns what ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer) if observer in self._observers else None

    def _tell(self) -> None:
        for observer in tuple(self._observers):
            observer()

    def _edited(self) -> None:
        paths = {row.path for row in self.document.rows}
        self.folded &= paths
        self._tell()

    # -- opening --------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Tell whether a protocol is open."""
        return bool(self.key)

    def _opened(self, key: str, text: str, origin: Origin) -> None:
        self.keep_draft()
        self.key, self.origin = key, origin
        self.document = Document(text, self._edited)
        self.judgement, self._checked_version, self._needs = Judgement(), -1, None
        self.clash, self.trouble = None, None
        self.remote.forget()
        self.folded, self.revisions, self.compared = set(), (), (origin.revision, origin.text)
        self.check()
        if origin.name:
            self.remote.ask_uses(origin.name)
        if origin.name and not origin.read_only:
            self._asks.ask("protocols.revisions", origin.name, then=self._take_revisions, failed=self._quiet)
        self._tell()

    def open_text(self, found: ProtocolText) -> None:
        """Open a protocol of the station; a draft of it on this computer is taken up where it was left."""
        draft = self.drafts.get(found.name)
        origin = Origin(
            found.name, found.revision, found.read_only, found.text, found.by, found.utc, "", found.title
        )
        if draft is None or draft.text == found.text:
            self._opened(found.name, found.text, origin)
            return
        based = replace(origin, revision=draft.revision, text=draft.base, source=draft.source)
        self._opened(found.name, draft.text, origin if draft.revision == found.revision else based)
        if draft.revision != found.revision and not found.read_only:
            told = tr(
                "protocoleditor",
                "{by} has saved revision {n} meanwhile; your draft is based on revision {old}.",
            )
            self.clash = Clash(told.format(by=found.by, n=found.revision, old=draft.revision), found)
            self._tell()

    def open_draft(self, draft: Draft) -> None:
        """Open a draft that the station does not have, or whose station cannot be reached."""
        origin = Origin(draft.name, draft.revision, False, draft.base, source=draft.source)
        self._opened(draft.key, draft.text, origin)

    def new(self, title: str, text: str = "", source: str = "") -> None:
        """Begin a protocol: an empty one, a copy of a template, or an imported file."""
        key = f"draft:{title}"
        taken, number = {draft.key for draft in self.drafts.all()}, 2
        while key in taken:
            key, number = f"draft:{title} {number}", number + 1
        text = text or new_text(title)
        self._opened(key, text, Origin(text="", source=source, title=title))
        self.keep_draft()

    def copy(self) -> None:
        """Make the open protocol a new one of one's own."""
        title = tr("protocoleditor", "{name}-copy").format(name=self.origin.name or self.suggested_name)
        self.new(title, self.document.text, self.origin.name or self.origin.source)

    def close(self) -> None:
        """Close the open protocol; its draft stays."""
        self.keep_draft()
        self.key, self.origin, self.document = "", Origin(), Document("", self._edited)
        self._tell()

    def _take_revisions(self, found: tuple[ProtocolRevision, ...]) -> None:
        self.revisions = tuple(found)
        self._tell()

    def _quiet(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    # -- state ----------------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        """Tell whether the text differs from what the station has."""
        return self.is_open and self.document.text != self.origin.text

    @property
    def suggested_name(self) -> str:
        """Return a name for the station, made of the title."""
        return _SAFE.sub("-", self.document.name or "protocol").strip("-")[:60].lower() or "protocol"

    @property
    def revision_words(self) -> tuple[str, str]:
        """Return the chip's words: ``rev 5`` and ``draft``."""
        if self.origin.read_only:
            return tr("protocoleditor", "template"), tr("protocoleditor", "draft") if self.changed else ""
        number = self.origin.revision + (1 if self.changed else 0)
        return f"rev {max(1, number)}", tr("protocoleditor", "draft") if self.changed else ""

    def why_not_save(self) -> str:
        """Return why nothing can be saved now; empty where it can."""
        if not self.is_open:
            return tr("protocoleditor", "No protocol is open.")
        if self.saving:
            return tr("protocoleditor", "It is being saved.")
        if not self._lab.link.live:
            return tr("protocoleditor", "The station cannot be reached; the draft is kept on this computer.")
        if not self.changed and self.origin.revision:
            return tr("protocoleditor", "Nothing has changed since revision {n}.").format(
                n=self.origin.revision
            )
        if self.document.trouble is not None:
            return self.document.locked
        if self.is_checked and self.judgement.errors:
            return tr("protocoleditor", "Mend the {n} errors first.").format(n=self.judgement.errors)
        return ""

    # -- check ----------------------------------------------------------------------------------------------------

    @property
    def is_checked(self) -> bool:
        """Tell whether the judgement is of the text as it stands."""
        return self._checked_version == self.document.version

    def check(self) -> None:
        """Check the text now, outside this thread; an answer about an older text is left out."""
        if not self.is_open or self.checking:
            return
        self.checking = True
        document, cell = self.document, self.cell
        text, version, name = document.text, document.version, self.origin.name
        self._work(
            lambda: judge(text, version, cell, name),
            lambda found: self._take_judgement(document, cell, found),
        )

    def _take_judgement(self, document: Document, cell: Cell | None, found: Judgement) -> None:
        self.checking = False
        if document is not self.document:
            self.check()
            return
        self.judgement, self._checked_version = found, found.version
        self._needs = found.needs or self._needs
        for row in document.rows:
            if row.path in found.sentences:
                self._sentences[_fingerprint(row)] = found.sentences[row.path]
        self._tell()
        if found.version != document.version or cell != self.cell:
            self._checked_version = -1
            self.check()

    @property
    def needs(self) -> Needs | None:
        """Return what the protocol needs: by the present check, or the last that could read it."""
        return self.judgement.needs or self._needs

    def check_failed(self) -> None:
        """Take that a check came to nothing; the next edit asks again."""
        self.checking = False
        self._tell()

    def now(self) -> datetime:
        """Return the station's time: that of the bench, which a virtual one sets itself."""
        return self._lab.plant_utc

    def choose_cell(self, cell: Cell | None) -> None:
        """Show absolute values for a cell; None for none."""
        if cell != self.cell:
            self.cell, self._checked_version = cell, -1
            self.remote.forget()
            self.check()
            self._tell()

    # -- rows -----------------------------------------------------------------------------------------------------

    def rows(self) -> tuple[Row, ...]:
        """Return the rows that are seen: those inside folded loops are left out."""
        return tuple(row for row in self.document.rows if not self._is_hidden(row))

    def _is_hidden(self, row: Row) -> bool:
        for size in range(1, len(row.path) + 1):
            if row.path[:size] in self.folded:
                head = row.path == row.path[:size] and row.kind in HEADS
                return not head
        return False

    def fold(self, row: Row, folded: bool | None = None) -> None:
        """Fold a loop away or open it; not an edit: nothing changes in the text."""
        path = row.path
        node = next((one for one in self.document.rows if one.path == path and one.kind in HEADS), None)
        if node is None:
            return
        wanted = path not in self.folded if folded is None else folded
        if wanted:
            self.folded.add(path)
        else:
            self.folded.discard(path)
        self._tell()

    def absolute_of(self, row: Row) -> str:
        """Return a row's set current in absolute figures for the chosen cell."""
        if self.cell is None or row.kind in (Kind.REPEAT_END,):
            return ""
        sign = (
            -1
            if row.kind in (Kind.CC_DIS, Kind.CCCV_DIS)
            else 0
            if row.kind in (Kind.CV_CHG, Kind.CV_DIS)
            else 1
        )
        return absolute(self.judgement.figures.get(row.path), sign) if row.is_step else ""

    def sentence_of(self, row: Row) -> str:
        """Return a row in words: of the present check, or the last that knew this very step."""
        if row.kind is Kind.END:
            return tr("protocoleditor", "End.")
        if not row.is_step:
            return self._end_sentence(row)
        known = self._sentences.get(_fingerprint(row), "")
        return pretty(known) or tr("protocoleditor", "This step cannot be read yet; see the problems.")

    def _end_sentence(self, row: Row) -> str:
        if row.kind is Kind.REPEAT_END:
            told = tr("protocoleditor", "Back to the first step of the repeat until {done}.")
            return told.format(done=row.cell(Column.UNTIL).shown)
        if row.kind is Kind.ELSE:
            return tr("protocoleditor", "Otherwise:")
        return tr("protocoleditor", "The branch ends here.")

    def problems_of(self, row: Row) -> tuple[str, bool]:
        """Return what is wrong with a row, and whether it is an error."""
        found = [problem for problem in self.judgement.problems if problem.path == row.path and row.is_step]
        return "\n".join(f"{item.text} {item.fix}".strip() for item in found), any(
            item.is_error for item in found
        )

    # -- drafts ---------------------------------------------------------------------------------------------------

    def keep_draft(self) -> None:
        """Keep the text on this computer, or forget a draft that says what the station has."""
        if not self.is_open:
            return
        if not self.changed:
            self.drafts.forget(self.key)
            return
        known = self.drafts.get(self.key)
        if known is not None and known.text == self.document.text and known.revision == self.origin.revision:
            return
        self.drafts.put(Draft(self.key, self.document.text, self.origin.text, self.origin.revision, self.origin.name,
                              self.origin.source, self.drafts.now()))  # fmt: skip

    def discard(self) -> None:
        """Forget the draft; the text of the station is shown again. A draft that was never saved is closed."""
        self.drafts.forget(self.key)
        origin = self.origin
        if origin.text:
            self.document = Document(origin.text, self._edited)
            self.clash = None
            self._checked_version = -1
            self.check()
        else:
            self.key, self.document, self.origin = "", Document("", self._edited), Origin()
        self._tell()

    # -- saving ---------------------------------------------------------------------------------------------------

    def save(self, name: str = "", note: str = "") -> str:
        """Save the text as the next revision; returns why not. ``name`` for a new one or a copy of a template."""
        if why := self.why_not_save():
            return why
        target = name or ("" if self.origin.read_only else self.origin.name)
        if not target:
            return tr("protocoleditor", "Give it a name.")
        own = target == self.origin.name and not self.origin.read_only
        source = self.origin.source or (self.origin.name if self.origin.read_only else "")
        text, based_on = self.document.text, self.origin.revision if own else 0
        self.saving, self.trouble = True, None

        def saved(revision: ProtocolRevision) -> None:
            self._saved(target, text, revision, source)

        def failed(trouble: Trouble) -> None:
            self._not_saved(target, trouble)

        self._asks.ask("protocols.save", target, text, based_on=based_on, note=note, source=source, then=saved,
                       failed=failed, deadline_s=SAVE_S)  # fmt: skip
        self._tell()
        return ""

    def _saved(self, name: str, text: str, revision: ProtocolRevision, source: str) -> None:
        self.saving, self.clash = False, None
        self.drafts.forget(self.key)
        self.key = name
        self.origin = Origin(
            name, revision.revision, False, text, revision.by, revision.utc, source, revision.title
        )
        self.compared = (revision.revision, text)
        self.revisions = (*self.revisions, revision)
        self.keep_draft()  # what was typed while it was being saved
        self._tell()

    def _not_saved(self, name: str, trouble: Trouble) -> None:
        self.saving, self.trouble = False, trouble
        self.keep_draft()
        if trouble.kind is TroubleKind.CONFLICT:
            self.clash = Clash(trouble.why or str(trouble))
            self._asks.ask("protocols.get", name, then=self._take_theirs, failed=self._quiet)
        self._tell()

    def _take_theirs(self, found: ProtocolText) -> None:
        if self.clash is not None:
            self.clash = replace(self.clash, newest=found)
            self.compared = (found.revision, found.text)
        self._tell()

    def save_on_top(self, note: str = "") -> str:
        """Save the own text as the revision after theirs, which stays in the list; returns why not."""
        if self.clash is None or self.clash.newest is None:
            return tr("protocoleditor", "Their revision is not known yet.")
        newest = self.clash.newest
        self.origin = Origin(
            newest.name, newest.revision, False, newest.text, newest.by, newest.utc, "", newest.title
        )
        self.key = newest.name
        self.clash = None
        return self.save(note=note)

    # -- diff -----------------------------------------------------------------------------------------------------

    def compare_with(self, revision: int) -> None:
        """Show the changes to another revision; its text is asked for."""
        if revision == self.origin.revision:
            self.compared = (revision, self.origin.text)
            self._tell()
            return

        def take(found: ProtocolText) -> None:
            self.compared = (revision, found.text)
            self._tell()

        self._asks.ask("protocols.get", self.origin.name, revision, then=take, failed=self._quiet)

    def differences(self) -> tuple[Change, ...]:
        """Return the changes to the compared text."""
        if not self.compared[1] or self.document.trouble is not None:
            return ()
        return changes(self.compared[1], self.document.text)

    # -- sketch ---------------------------------------------------------------------------------------------------

    def sketch(self) -> Sketch | None:
        """Return the station's simulation where it is of this text, else the sketch of the check."""
        return self.remote.sketch_of(self.document.version) or self.judgement.sketch

    @property
    def station_says(self) -> CheckReport | None:
        """Return the station's check where it is about the text as it stands."""
        return self.remote.says_of(self.document.version)

    def ask_station(self) -> None:
        """Have the station check the text for the chosen cell in its channel: ranges, limits, the device's bounds."""
        if self.is_open:
            self.remote.check(self.document.text, self.document.version, self.cell, self.origin.name)

    def why_not_simulate(self) -> str:
        """Return why the station cannot simulate now; empty where it can."""
        if not self.is_open:
            return tr("protocoleditor", "No protocol is open.")
        if self.cell is None:
            return tr("protocoleditor", "Choose a cell first (numbers for): its twin is simulated.")
        if self.is_checked and self.judgement.errors:
            return tr("protocoleditor", "Mend the {n} errors first.").format(n=self.judgement.errors)
        return self.remote.why_not()

    def simulate(self) -> str:
        """Have the station rehearse the text on a twin of the chosen cell; returns why not."""
        why = self.why_not_simulate()
        if not why and self.cell is not None:
            self.remote.simulate(
                self.document.text, self.document.version, self.cell, self.origin.name, self.sketch()
            )
        return why


def _fingerprint(row: Row) -> str:
    own = {key: value for key, value in row.step.items() if key not in ("steps", "then", "else", "parallel")}
    return f"{row.kind.value} {json.dumps(own, ensure_ascii=False, default=str)}"
