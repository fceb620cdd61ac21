"""Persons and services with their tokens: who may do what at this station (X02, X16).

A token has 256 random bits, is shown once and kept as a hash. Two services exist from the first start, each with a
file that its owner alone can read: ``owner`` (role admin, for the programs of whoever runs the station) and ``view``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from labctl.clock import Clock
from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.model.person import STATION, Actor, Person, Role
from labctl.model.plain import to_plain
from labctl.station.audit import AuditJournal
from labctl.station.ledger import FOLDER, Ledger
from labctl.station.secretfile import read_secret, write_secret
from labctl.store.root import DataRoot
from labctl.worker import Worker

NAME = "people"
PEOPLE_MAX = 1000
"""Names with a token, revoked ones included (I14): a lab has dozens."""
TOKEN_BYTES = 32
"""256 bits; 128 are asked for (X02)."""
TOKEN_PREFIX = "lab_"
"""Lets a log scrubber and a secret scanner know a token by its shape."""
TOKEN_SHAPE = re.compile(r"lab_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[^\s](?:.{0,58}[^\s])?")
OWNER = "owner"
VIEWER = "view"
BUILT_IN = {OWNER: Role.ADMIN, VIEWER: Role.VIEW}
RESERVED = frozenset({STATION.name})
"""The station's own name: no person may act under it."""


@dataclass(frozen=True, slots=True)
class _Known:
    person: Person
    token_hash: bytes


def hash_of(token: str) -> bytes:
    """Return what is kept of a token. A plain hash is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class People:
    """Everyone with a token, kept in ``<data>/station/people.jsonl``."""

    def __init__(
        self,
        root: DataRoot,
        worker: Worker,
        audit: AuditJournal,
        clock: Clock,
        *,
        new_token: Callable[[], str] | None = None,
    ) -> None:
        """Name the file; ``open`` reads it. ``new_token`` makes tokens; tests may give a seeded one."""
        self._ledger = Ledger(root, worker, NAME)
        self._root = root
        self._worker = worker
        self._audit = audit
        self._clock = clock
        self._new_token = new_token or (lambda: TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES))
        self._known: dict[str, _Known] = {}
        self.version = 0
        """Grows with each change: whoever has let a token in looks again."""

    async def open(self) -> None:
        """Read who there is. Raises: StoreError."""
        content = await self._ledger.open()
        for line in content.lines:
            self._apply(line.fields)

    def _apply(self, line: dict[str, Any]) -> None:
        self.version += 1
        name = str(line["name"])
        known = self._known.get(name)
        if line["kind"] == "added":
            person = Person(
                name=name,
                role=Role(line["role"]),
                created_utc=str(line["utc"]),
                expires_utc=str(line.get("expires_utc", "")),
                service=bool(line.get("service", False)),
            )
            self._known[name] = _Known(person, bytes.fromhex(line["token_hash"]))
        elif line["kind"] == "revoked" and known is not None:
            self._known[name] = replace(known, person=replace(known.person, revoked=True))

    # -- who is it? -------------------------------------------------------------------------------------------------

    def identify(self, token: str, source: str = "") -> Actor | None:
        """Return whose token this is, None for one that is unknown, expired or revoked.

        Takes the same time whichever token matches and however much of it.
        """
        wanted = hash_of(token)
        found: Person | None = None
        for known in self._known.values():
            if hmac.compare_digest(known.token_hash, wanted):
                found = known.person
        if found is None or found.revoked or self._is_over(found):
            return None
        return Actor(found.name, found.role, source)

    def _is_over(self, person: Person) -> bool:
        return bool(person.expires_utc) and _moment(person.expires_utc) <= self._clock.link.utc()

    def list(self) -> tuple[Person, ...]:
        """Return everyone, revoked ones included, by name."""
        return tuple(sorted((known.person for known in self._known.values()), key=lambda person: person.name))

    def person(self, name: str) -> Person | None:
        """Return one person or service."""
        known = self._known.get(name)
        return None if known is None else known.person

    # -- acts -------------------------------------------------------------------------------------------------------

    async def add(
        self, actor: Actor, name: str, role: Role, *, expires_utc: str = "", service: bool = False
    ) -> tuple[Person, str]:
        """Give a person or service a token; the token is returned here and never again.

        A revoked name may be given again. ``expires_utc`` is ISO 8601. Raises: UserInputError, ConflictError when the
        name has a valid token, StoreError.
        """
        checked_name(name)
        known = self._known.get(name)
        if known is not None and not known.person.revoked and not self._is_over(known.person):
            raise ConflictError(f"{name} has a token since {known.person.created_utc}. Revoke it first.")
        if name in BUILT_IN:
            raise UserInputError(f"'{name}' names a service of the station itself. Choose another name.")
        if known is None and len(self._known) >= PEOPLE_MAX:
            raise UserInputError(f"There are {PEOPLE_MAX} names already, more are not kept.")
        if expires_utc:
            moment = _moment(expires_utc)
            if moment <= self._clock.link.utc():
                raise UserInputError(f"{expires_utc} is over already. Give a moment to come.")
            expires_utc = moment.isoformat()
        return await self._give(actor, name, role, expires_utc, service, known)

    async def _give(
        self, actor: Actor, name: str, role: Role, expires_utc: str, service: bool, known: _Known | None
    ) -> tuple[Person, str]:
        token = self._new_token()
        line = {
            "kind": "added",
            "name": name,
            "role": role.value,
            "utc": self._clock.link.utc().isoformat(),
            "expires_utc": expires_utc,
            "service": service,
            "token_hash": hash_of(token).hex(),
        }
        await self._ledger.add(line)
        self._apply(line)
        person = self._known[name].person
        old = None if known is None else to_plain(known.person)
        await self._audit.write(actor, "person.add", name, old=old, new=person)
        return person, token

    async def revoke(self, actor: Actor, name: str, *, reason: str = "") -> Person:
        """Make a token worthless at once. Raises: UserInputError, ConflictError, StoreError."""
        known = self._known.get(name)
        if known is None:
            raise UserInputError(f"There is nobody called {name!r}.")
        if known.person.revoked:
            raise ConflictError(f"The token of {name} is revoked already.")
        if name == OWNER:
            raise UserInputError(
                f"The token '{OWNER}' is what the station's own programs use. Delete its file and restart the "
                "station: it makes a new one, the old one is worthless then."
            )
        line = {"kind": "revoked", "name": name, "utc": self._clock.link.utc().isoformat()}
        await self._ledger.add(line)
        self._apply(line)
        await self._audit.write(actor, "person.revoke", name, old=known.person, reason=reason)
        return self._known[name].person

    # -- the station's own token files ------------------------------------------------------------------------------

    async def write_token_files(self) -> None:
        """Make sure that ``owner.token`` and ``view.token`` hold valid tokens and nobody else can read them.

        A file that is gone or holds something else gets a new token, and the old one is worthless. Raises: StoreError.
        """
        for name, role in BUILT_IN.items():
            path = self._root.path / FOLDER / f"{name}.token"
            try:
                held = await self._worker.call(read_secret, self._root.disk, path)
                known = self._known.get(name)
                if known is not None and held and not known.person.revoked and _fits(known, held):
                    continue
                _, token = await self._give(STATION, name, role, "", True, known)
                await self._worker.call(write_secret, self._root.disk, path, token)
            except OSError as error:
                raise StoreError(f"Cannot keep a token in {path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._ledger.close()


def _fits(known: _Known, token: str) -> bool:
    return hmac.compare_digest(known.token_hash, hash_of(token))


def checked_name(name: str) -> str:
    """Return a name that a journal, a table and a terminal show as it is. Raises: UserInputError."""
    plain = unicodedata.normalize("NFC", name)
    odd = any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for letter in name)
    if plain != name or odd or "/" in name or "\\" in name or not _NAME.fullmatch(name):
        raise UserInputError(
            f"{name!r} cannot name a person. Use 1 to 60 letters, digits, spaces and signs, without control "
            "characters, slashes or spaces at the ends."
        )
    if name in RESERVED:
        raise UserInputError(f"'{name}' is what the station does by itself. Choose another name.")
    return name


def _moment(text: str) -> datetime:
    """Return an ISO 8601 moment; without a zone it is UTC. Raises: UserInputError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserInputError(
            f"{text!r} is no moment. Write for example 2027-01-31T12:00:00+00:00."
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
