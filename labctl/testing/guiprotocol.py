"""The protocol view on a lab that a test fills: a library of the shipped protocols, revisions, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.views.protocol import VIEW
from labctl.gui.views.protocol.view import ProtocolView
from labctl.model.library import CheckReport, ProtocolInfo, ProtocolRevision, ProtocolText
from labctl.protocol.document import protocol_hash
from labctl.protocol.library import list_protocols
from labctl.protocol.parse import parse_protocol
from labctl.protocol.report import report_text
from labctl.protocol.sentences import sentences
from labctl.testing.guilab import FakeAsks
from labctl.testing.guistation import Page, page_of

if TYPE_CHECKING:
    from labctl.gui.session import Session


class FakeShelf:
    """Protocols as the station keeps them: ready-made ones, and saved ones with their revisions."""

    def __init__(self) -> None:
        self.packed = {entry.name: entry for entry in list_protocols()}
        self.saved: dict[str, list[ProtocolRevision]] = {}
        self.by = "chen"
        self.trouble: Trouble | None = None

    def answers(self) -> dict[str, Any]:
        """Return what ``FakeAsks`` answers at once."""
        return {"protocols.list": self.list, "protocols.get": self.get, "protocols.save": self.save,
                "protocols.revisions": self.revisions, "protocols.check": self.check}  # fmt: skip

    def list(self) -> Any:
        """Return the library."""
        if self.trouble is not None:
            return self.trouble
        packed = [
            ProtocolInfo(entry.name, entry.title, entry.description, entry.pack)
            for entry in self.packed.values()
        ]
        saved = [ProtocolInfo(name, last.title, "", "station", "", False, last.revision, last.by, last.utc, last.digest)
                 for name, revisions in self.saved.items() for last in revisions[-1:]]  # fmt: skip
        return tuple(sorted((*packed, *saved), key=lambda info: info.name))

    def get(self, name: str, revision: int | None = None) -> Any:
        """Return a text."""
        if self.trouble is not None:
            return self.trouble
        if name in self.saved:
            found = self.saved[name][-1 if revision is None else revision - 1]
            protocol = parse_protocol(found.text)
            return ProtocolText(name, found.title, found.text, protocol_hash(protocol), tuple(sentences(protocol)), {},
                                False, found.revision, found.by, found.utc, found.digest, found.note)  # fmt: skip
        text = self.packed[name].path.read_bytes().decode("utf-8")
        protocol = parse_protocol(text)
        return ProtocolText(name, protocol.name, text, protocol_hash(protocol), tuple(sentences(protocol)))

    def revisions(self, name: str) -> Any:
        """Return the revisions."""
        return tuple(self.saved.get(name, ()))

    def save(self, name: str, text: str, *, based_on: int = 0, note: str = "", source: str = "") -> Any:
        """Save a text, as the station does."""
        known = self.saved.get(name, [])
        newest = known[-1].revision if known else 0
        if self.trouble is not None:
            return self.trouble
        if based_on != newest:
            told = f"{known[-1].by} has saved revision {newest} of {name} meanwhile."
            return Trouble("protocols.save", told, kind=TroubleKind.CONFLICT)
        digest = hashlib.sha256(text.encode()).hexdigest()
        made = ProtocolRevision(name, newest + 1, self.by, "2026-04-21T01:42:17+00:00", digest,
                                parse_protocol(text).name, note, based_on, source, text)  # fmt: skip
        self.saved.setdefault(name, []).append(made)
        return made

    def check(self, text: str, **words: Any) -> Any:
        """Check a text without binding it."""
        said = report_text(text, "request")
        return CheckReport(said.ok, "", "", problems=said.problems, steps=said.steps)


@dataclass
class ProtocolPage(Page[ProtocolView]):
    """The view with the station's shelf."""

    shelf: FakeShelf = field(default_factory=FakeShelf)


@contextmanager
def protocol_page(
    session: Session, *, shelf: FakeShelf | None = None, size: tuple[int, int] = (1528, 908)
) -> Iterator[ProtocolPage]:
    """Give the view, shown; closed again after. A second one on the same session is a restart."""
    shelf = shelf or FakeShelf()
    with page_of(VIEW, ProtocolView, session, FakeAsks(shelf.answers()), size) as page:
        yield ProtocolPage(**vars(page), shelf=shelf)
