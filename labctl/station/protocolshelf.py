"""The station's protocols: ready-made ones of installed packages, and those that people save, revision by revision.

A saved text is never changed: saving makes the next revision, with who, when and from which one. Whoever saves on top
of a revision that he has not seen is refused, with the name of who was faster. Jobs and runs keep the text that they
were queued with, whatever is saved later.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Protocol

from labctl.clock import Clock
from labctl.errors import ConflictError, UserInputError
from labctl.model.job import Job
from labctl.model.library import ProtocolInfo, ProtocolRevision, ProtocolText, ProtocolUse
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.protocol.document import protocol_hash
from labctl.protocol.library import LibraryEntry, list_protocols
from labctl.protocol.parse import parse_protocol
from labctl.protocol.sentences import sentences
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.store.lines import Line
from labctl.store.names import is_safe_id
from labctl.worker import Worker

NAME = "protocols"
PACK = "station"
"""What saved protocols have as their pack."""
RESERVED = frozenset({"check", "sketch"})
NAME_MAX = 80
TEXT_MAX = 256_000
"""Characters of one text: a hundred times what people write."""
NOTE_MAX = 2_000
PROTOCOLS_MAX = 2_000
REVISIONS_MAX = 2_000
"""Of one protocol: who saves so often wants a job's variables instead (I14)."""


class Audit(Protocol):
    """The journal of acts."""

    async def write(
        self,
        actor: Actor,
        what: str,
        *,
        subject: str = "",
        old: Any = None,
        new: Any = None,
        reason: str = "",
    ) -> object:
        """Write down, durably, who does what. Raises: StoreError."""


class ProtocolShelf:
    """The library of one station. Used on the event loop; saves are made one after the other.

    ``problems`` are sentences about lines of its file that could not be used.
    """

    def __init__(self, ledger: Ledger, feed: Feed, audit: Audit, clock: Clock, reader: Worker) -> None:
        """Take its parts; ``open`` reads the file. ``reader`` is a thread for blocking reads."""
        self.problems: list[str] = []
        self._ledger = ledger
        self._feed = feed
        self._audit = audit
        self._clock = clock
        self._reader = reader
        self._saved: dict[str, list[ProtocolRevision]] = {}
        self._about: dict[str, tuple[str, str]] = {}  # name -> title, description of the newest
        self._packed: dict[str, LibraryEntry] | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Read the file; names of packs are read when somebody asks. Raises: StoreError."""
        content = await self._ledger.open()
        self.problems += [f"station/{NAME}.jsonl: line {line} does not fit its check" for line in content.bad]
        for line in content.lines:
            try:
                self._take(_revision(line), str(line.fields.get("description", "")))
            except (KeyError, TypeError, ValueError) as error:
                self.problems.append(f"station/{NAME}.jsonl: line {line.number} cannot be used ({error})")
        for name in self._saved:
            self._publish(name)

    def close(self) -> None:
        """Close the file."""
        self._ledger.close()

    # -- reading ----------------------------------------------------------------------------------------------------

    async def _ready_made(self) -> dict[str, LibraryEntry]:
        """Return the protocols of the installed packages; they do not change while this process lives."""
        if self._packed is None:
            self._packed = {entry.name: entry for entry in await self._reader.call(list_protocols)}
        return self._packed

    async def infos(self) -> tuple[ProtocolInfo, ...]:
        """Return every protocol, by name."""
        packed = [
            ProtocolInfo(entry.name, entry.title, entry.description, entry.pack, entry.problem)
            for entry in (await self._ready_made()).values()
        ]
        saved = [self._info(name) for name in self._saved]
        return tuple(sorted([*packed, *saved], key=lambda info: info.name.lower()))

    def _info(self, name: str) -> ProtocolInfo:
        newest, (title, description) = self._saved[name][-1], self._about[name]
        return ProtocolInfo(
            name, title, description, PACK, "", False, newest.revision, newest.by, newest.utc, newest.digest
        )

    def saved_text(self, name: str) -> str | None:
        """Return the newest text of a protocol that people saved, None where there is none of this name."""
        known = self._saved.get(name)
        return known[-1].text if known else None

    async def text(self, name: str, revision: int | None = None) -> ProtocolText:
        """Return a protocol with its text; ``revision`` chooses an older one. Raises: UserInputError."""
        if name in self._saved:
            found = self.revision(name, revision)
            return await self._reader.call(_told, found)
        entry = (await self._ready_made()).get(name)
        if entry is None:
            near = get_close_matches(name, [*self._saved, *(await self._ready_made())], n=3)
            hint = (
                f"Did you mean {', '.join(near)}?" if near else "'labctl protocols list' shows what there is."
            )
            raise UserInputError(f"There is no protocol {name!r}. {hint}")
        if revision is not None:
            raise UserInputError(f"{name} is a ready-made protocol and has no revisions.")
        return await self._reader.call(_packed_text, entry)

    def revision(self, name: str, revision: int | None = None) -> ProtocolRevision:
        """Return a saved version with its text, the newest unless told. Raises: UserInputError."""
        known = self._saved.get(name)
        if not known:
            raise UserInputError(f"Nobody has saved a protocol {name!r} here.")
        if revision is None:
            return known[-1]
        if not 1 <= revision <= len(known):
            raise UserInputError(f"{name} has the revisions 1 to {len(known)}.")
        return known[revision - 1]

    async def revisions(self, name: str) -> tuple[ProtocolRevision, ...]:
        """Return the versions of a protocol, oldest first, without texts; none of a ready-made one."""
        if name not in self._saved and name in await self._ready_made():
            return ()
        self.revision(name)
        return tuple(replace(found, text="") for found in self._saved[name])

    async def uses(self, name: str, frozen: Iterable[tuple[str, Job]]) -> tuple[ProtocolUse, ...]:
        """Return which jobs wait or run with which revision of a protocol; ``frozen`` are jobs with their digests.

        Raises: UserInputError where there is no such protocol.
        """
        known = {one.digest: one.revision for one in self._saved.get(name, ())}
        known = known or {(await self.text(name)).digest: 0}
        return tuple(
            ProtocolUse(known[digest], job.job_id, job.state, job.spec.cell_id, job.channel, job.run_id)
            for digest, job in frozen
            if digest in known
        )

    # -- saving -----------------------------------------------------------------------------------------------------

    async def save(
        self, actor: Actor, name: str, text: str, *, based_on: int = 0, note: str = "", source: str = ""
    ) -> ProtocolRevision:
        """Save a text as the next revision of a protocol, or as a new one with ``based_on`` 0.

        A text that is the newest one already is not saved again. ``source`` names the template it was copied from.
        Raises: UserFileError with line and fix where the text cannot be used, UserInputError for a name that cannot
        be, ConflictError naming who has saved meanwhile, StoreError.
        """
        await self._check_name(name)
        if len(text) > TEXT_MAX or len(note) > NOTE_MAX or len(source) > NAME_MAX:
            raise UserInputError(f"A protocol has at most {TEXT_MAX} characters, its note {NOTE_MAX}.")
        protocol = await self._reader.call(parse_protocol, text, name)
        digest = digest_of(text)
        async with self._turn:
            known = self._known(name)
            newest = known[-1] if known else None
            if newest is not None and newest.digest == digest:
                return replace(newest, text="")
            if based_on != (0 if newest is None else newest.revision):
                raise ConflictError(_clash(name, newest, based_on))
            made = ProtocolRevision(
                name, based_on + 1, actor.name, self._clock.plant.utc().isoformat(timespec="seconds"), digest,
                protocol.name, note, based_on, source, text,
            )  # fmt: skip
            old = None if newest is None else {"revision": newest.revision, "digest": newest.digest}
            new = {"revision": made.revision, "digest": digest}
            await self._audit.write(actor, "protocol.save", subject=name, old=old, new=new, reason=note)
            await self._ledger.add({"kind": "save", "description": protocol.description, **to_plain(made)})
            self._take(made, protocol.description)
        self._publish(name)
        return replace(made, text="")

    async def _check_name(self, name: str) -> None:
        if not is_safe_id(name) or len(name) > NAME_MAX or name.lower() in RESERVED:
            raise UserInputError(
                f"{name[:NAME_MAX]!r} cannot be a protocol's name: use letters, digits, '-' and '_', at most "
                f"{NAME_MAX}. The title inside the text may be anything."
            )
        if name.lower() in {known.lower() for known in await self._ready_made()}:
            raise UserInputError(f"{name} is a ready-made protocol: save the copy under another name.")

    def _known(self, name: str) -> list[ProtocolRevision]:
        """Return the versions there are. Raises: UserInputError where this one cannot be added."""
        known = self._saved.get(name, [])
        other = next((saved for saved in self._saved if saved.lower() == name.lower()), name)
        if other != name:
            raise UserInputError(
                f"There is a protocol {other} already: save under that name, or another one."
            )
        if len(known) >= REVISIONS_MAX or (not known and len(self._saved) >= PROTOCOLS_MAX):
            raise UserInputError(
                f"A station keeps {PROTOCOLS_MAX} protocols with {REVISIONS_MAX} revisions each."
            )
        return known

    def _take(self, made: ProtocolRevision, description: str) -> None:
        known = self._saved.setdefault(made.name, [])
        if made.revision != len(known) + 1:
            raise ValueError(f"revision {made.revision} of {made.name} does not follow {len(known)}")
        known.append(made)
        self._about[made.name] = (made.title, description)

    def _publish(self, name: str) -> None:
        self._feed.publish("protocol", name, to_plain(self._info(name)))


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text in hex: what names its exact content."""
    return hashlib.sha256(text.encode()).hexdigest()


def _clash(name: str, newest: ProtocolRevision | None, based_on: int) -> str:
    if newest is None:
        return f"Nobody has saved {name} here, so it has no revision {based_on}: save it as a new protocol."
    said = f"{name} has revision {newest.revision} by {newest.by} of {newest.utc}"
    if newest.note:
        said += f" ({newest.note})"
    if based_on == 0:
        return f"{said}: choose another name, or look at it and save on top of it."
    return f"{said}; yours was made from revision {based_on}. Look at what has changed, then save on top of that."


def _revision(line: Line) -> ProtocolRevision:
    fields: Mapping[str, Any] = line.fields
    if fields["kind"] != "save":
        raise ValueError(f"unknown kind {fields['kind']!r}")
    return ProtocolRevision(
        str(fields["name"]), int(fields["revision"]), str(fields["by"]), str(fields["utc"]), str(fields["digest"]),
        str(fields["title"]), str(fields.get("note", "")), int(fields.get("based_on", 0)),
        str(fields.get("source", "")), str(fields["text"]),
    )  # fmt: skip


def _told(saved: ProtocolRevision) -> ProtocolText:
    """Return a saved version with what its text says. Runs in the reader."""
    return replace(
        frozen_text(saved.name, saved.text), title=saved.title, revision=saved.revision, by=saved.by, utc=saved.utc,
        note=saved.note,
    )  # fmt: skip


def _packed_text(entry: LibraryEntry) -> ProtocolText:
    """Return a ready-made protocol with its text. Runs in the reader."""
    text = entry.path.read_text(encoding="utf-8-sig")
    return replace(frozen_text(entry.name, text), title=entry.title, read_only=True)


def frozen_text(name: str, text: str) -> ProtocolText:
    """Return a text with what it says. Raises: UserFileError where it cannot be read."""
    protocol = parse_protocol(text, name)
    variables = {variable.name: str(variable.default) for variable in protocol.variables}
    return ProtocolText(
        name, protocol.name, text, protocol_hash(protocol), tuple(sentences(protocol)), variables, False,
        digest=digest_of(text),
    )  # fmt: skip
