"""The catalogue: cells, runs and protocols to search in. A convenience that can be rebuilt from the folders
alone.

Truth lives elsewhere: runs in their folders, protocols inside ``run.json``, cells in ``cells.jsonl``
(append-only, one line per revision, readable without labctl). The SQLite file may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from labctl.errors import StoreError, UserInputError
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, RunId
from labctl.store import names
from labctl.store.lines import read_lines
from labctl.store.linewriter import LineWriter
from labctl.store.manifest import read_manifest
from labctl.store.root import DataRoot

CELLS_FILE = names.CELLS
SCHEMA = 1

_METADATA = sa.MetaData()
_CELLS = sa.Table(
    "cells", _METADATA,
    sa.Column("cell_id", sa.String, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("data", sa.JSON, nullable=False),
)  # fmt: skip
_RUNS = sa.Table(
    "runs", _METADATA,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("folder", sa.String, nullable=False),
    sa.Column("cell_id", sa.String, index=True),
    sa.Column("channel", sa.String, index=True),
    sa.Column("protocol", sa.String),
    sa.Column("protocol_hash", sa.String),
    sa.Column("state", sa.String, index=True),
    sa.Column("outcome", sa.String),
    sa.Column("reason", sa.String),
    sa.Column("started_utc", sa.String, index=True),
    sa.Column("end_sequence", sa.Integer),
)  # fmt: skip
_PROTOCOLS = sa.Table(
    "protocols", _METADATA,
    sa.Column("hash", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False),
)  # fmt: skip
_INFO = sa.Table(
    "info", _METADATA, sa.Column("key", sa.String, primary_key=True), sa.Column("value", sa.String)
)


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run as the catalogue lists it; ``RunReader`` on ``folder`` has the rest.

    ``folder`` is relative to the data root.
    """

    run_id: RunId
    folder: str
    cell_id: str
    channel: str
    protocol: str
    protocol_hash: str
    state: str
    outcome: str
    reason: str
    started_utc: str
    end_sequence: int | None


@dataclass(frozen=True, slots=True)
class ProtocolEntry:
    """One protocol text that a run has used."""

    hash: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What ``rebuild`` found; ``problems`` are sentences about folders and lines left out."""

    cells: int
    runs: int
    protocols: int
    problems: tuple[str, ...]


def cell_to_json(cell: Cell) -> dict[str, Any]:
    """Return a cell as a JSON object."""
    return {**asdict(cell), "kind": cell.kind.value}


def cell_from_json(data: Mapping[str, Any]) -> Cell:
    """Read back what ``cell_to_json`` gave; unknown keys are ignored."""
    known = {field.name for field in fields(Cell)}
    values = {key: value for key, value in data.items() if key in known}
    return Cell(**{**values, "kind": CellKind(values["kind"])})


class Catalogue:
    """The catalogue of a data root: ``cells``, ``runs``, ``protocols``."""

    def __init__(self, root: DataRoot) -> None:
        """Open or create ``labctl.sqlite``.

        Raises: StoreError naming the fix when it is damaged or of another schema.
        """
        self.root = root
        self._engine = _open(root)
        self.cells = Cells(self._engine, root)
        self.runs = Runs(self._engine, root)
        self.protocols = Protocols(self._engine)

    def rebuild(self) -> Rebuilt:
        """Empty the catalogue and fill it from ``cells.jsonl`` and the run folders."""
        return _rebuild(self._engine, self.root)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def rebuild(root: DataRoot) -> Rebuilt:
    """Make a new catalogue from the folders alone; the old file, in whatever state, is kept aside."""
    path = root.catalogue_path
    if root.disk.size(path) is not None:
        for suffix in ("-wal", "-shm"):
            root.disk.unlink(path.with_name(path.name + suffix))
        root.disk.rename(path, path.with_name(path.name + ".before-rebuild"))
    with Catalogue(root) as catalogue:
        return catalogue.rebuild()


def _open(root: DataRoot) -> sa.Engine:
    root.disk.make_folder(root.path)
    engine = sa.create_engine(f"sqlite:///{root.catalogue_path}", connect_args={"timeout": 30})
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("PRAGMA journal_mode=WAL"))
            _METADATA.create_all(connection)
            stored = connection.execute(sa.select(_INFO.c.value).where(_INFO.c.key == "schema")).scalar()
            if stored is None:
                connection.execute(_INFO.insert().values(key="schema", value=str(SCHEMA)))
    except DatabaseError as error:
        engine.dispose()
        if "readonly" in str(error.orig):
            raise StoreError(
                f"This account may not write to the data root {root.path}, and the catalogue there needs that. Ask for "
                "the right; single runs can be read as they are (`labctl runs show`, `plot`, `export` with their id)."
            ) from error
        raise StoreError(
            f"The catalogue {root.catalogue_path} cannot be used ({error.orig}). Nothing measured is in it: "
            "`labctl store rebuild` makes a new one from the run folders."
        ) from error
    if stored is not None and stored != str(SCHEMA):
        engine.dispose()
        raise StoreError(
            f"The catalogue {root.catalogue_path} has schema {stored}, this labctl knows {SCHEMA}: run "
            "`labctl store rebuild`; the runs themselves are untouched."
        )
    return engine


class Cells:
    """The registry of cells: each change is a new revision, older ones stay."""

    def __init__(self, engine: sa.Engine, root: DataRoot) -> None:
        self._engine = engine
        self._root = root

    def add(self, cell: Cell) -> None:
        """Register a new cell. Raises: UserInputError if the id is taken or unfit."""
        if not names.is_safe_id(cell.cell_id):
            raise UserInputError(
                f"The cell id {cell.cell_id!r} is not usable: ASCII letters, digits, - and _ only."
            )
        if self.find(cell.cell_id) is not None:
            raise UserInputError(
                f"The cell {cell.cell_id} is registered already; `labctl cells show {cell.cell_id}` shows it."
            )
        self._store(cell, 1)

    def update(self, cell: Cell) -> int:
        """Store a new revision and return its number; an equal one changes nothing.

        Raises: UserInputError if unknown.
        """
        known = self.revisions(cell.cell_id)
        if not known:
            raise UserInputError(f"There is no cell {cell.cell_id!r} to change; add it first.")
        if known[-1] != cell:
            self._store(cell, len(known) + 1)
            return len(known) + 1
        return len(known)

    def _store(self, cell: Cell, revision: int) -> None:
        data = cell_to_json(cell)
        try:
            lines = LineWriter(self._root.disk, self._root.path / CELLS_FILE, chained=True)
            lines.add({"revision": revision, "cell": data})
            lines.sync()
            lines.close()
        except OSError as error:
            raise StoreError(f"Cannot write {CELLS_FILE} in {self._root.path}: {error}") from error
        with self._engine.begin() as connection:
            connection.execute(_CELLS.insert().values(cell_id=cell.cell_id, revision=revision, data=data))

    def index(self, revisions: Sequence[tuple[Cell, int]]) -> None:
        """Put revisions in that ``cells.jsonl`` has already; those that are here stay. Raises: StoreError."""
        try:
            with self._engine.begin() as connection:
                known = {
                    tuple(row) for row in connection.execute(sa.select(_CELLS.c.cell_id, _CELLS.c.revision))
                }
                for cell, revision in revisions:
                    if (cell.cell_id, revision) not in known:
                        known.add((cell.cell_id, revision))
                        values = {"cell_id": cell.cell_id, "revision": revision, "data": cell_to_json(cell)}
                        connection.execute(_CELLS.insert().values(**values))
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"Cannot write {self._root.catalogue_path}: {error}") from error

    def find(self, cell_id: CellId | str) -> Cell | None:
        """Return the newest revision of a cell, ``None`` if it is unknown."""
        known = self.revisions(cell_id)
        return known[-1] if known else None

    def get(self, cell_id: CellId | str) -> Cell:
        """Return the newest revision of a cell. Raises: UserInputError naming the known ones."""
        cell = self.find(cell_id)
        if cell is None:
            known = ", ".join(entry.cell_id for entry in self.list()[:12]) or "none yet"
            raise UserInputError(
                f"There is no cell {cell_id!r}. Registered: {known}. `labctl cells add` registers one."
            )
        return cell

    def revisions(self, cell_id: CellId | str) -> list[Cell]:
        """Return all revisions of a cell, oldest first."""
        query = sa.select(_CELLS.c.data).where(_CELLS.c.cell_id == cell_id).order_by(_CELLS.c.revision)
        with self._engine.connect() as connection:
            return [cell_from_json(data) for data in connection.execute(query).scalars()]

    def list(self) -> list[Cell]:
        """Return the newest revision of every cell, by id."""
        query = sa.select(_CELLS.c.cell_id, _CELLS.c.data).order_by(_CELLS.c.cell_id, _CELLS.c.revision)
        with self._engine.connect() as connection:
            newest = {row.cell_id: row.data for row in connection.execute(query)}
        return [cell_from_json(data) for data in newest.values()]


class Runs:
    """The list of runs, kept current by ``upsert`` with the run's manifest."""

    def __init__(self, engine: sa.Engine, root: DataRoot) -> None:
        self._engine = engine
        self._root = root

    def upsert(self, manifest: Mapping[str, Any], folder: str | None = None) -> None:
        """Put a run in, or bring it up to date.

        ``folder`` is relative to the data root; found by id when not given.
        """
        run_id = str(manifest["run_id"])
        if folder is None:
            known = self.find(run_id)
            folder = (
                known.folder
                if known
                else self._root.run_folder(run_id).relative_to(self._root.path).as_posix()
            )
        with self._engine.begin() as connection:
            _put_run(connection, manifest, folder)

    def find(self, run_id: RunId | str) -> RunEntry | None:
        """Return a run's entry, ``None`` if it is unknown."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_RUNS).where(_RUNS.c.run_id == run_id)).mappings().first()
        return None if row is None else _entry(row)

    def get(self, run_id: RunId | str) -> RunEntry:
        """Return a run's entry. Raises: StoreError when the catalogue does not have it."""
        entry = self.find(run_id)
        if entry is None:
            raise StoreError(
                f"The catalogue has no run {run_id!r}. `labctl runs list` shows what it has; "
                "`labctl store rebuild` reads the run folders again."
            )
        return entry

    def list(self, *, state: str | None = None, cell_id: str | None = None) -> list[RunEntry]:
        """Return the runs, oldest start first, optionally of one state or cell."""
        query = sa.select(_RUNS).order_by(_RUNS.c.started_utc, _RUNS.c.run_id)
        if state is not None:
            query = query.where(_RUNS.c.state == state)
        if cell_id is not None:
            query = query.where(_RUNS.c.cell_id == cell_id)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]


class Protocols:
    """The protocol texts that runs have used, by content hash."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, name: str, text: str, hash: str | None = None) -> str:
        """Store a text once and return its hash (SHA-256 of the text unless given)."""
        key = hash or hashlib.sha256(text.encode()).hexdigest()
        with self._engine.begin() as connection:
            _put_protocol(connection, name, text, key)
        return key

    def get(self, hash: str) -> ProtocolEntry:
        """Return the protocol with a hash. Raises: StoreError if there is none."""
        for entry in self.list():
            if entry.hash == hash:
                return entry
        raise StoreError(f"The catalogue has no protocol with the hash {hash}.")

    def list(self) -> list[ProtocolEntry]:
        """Return all protocols by name."""
        query = sa.select(_PROTOCOLS).order_by(_PROTOCOLS.c.name, _PROTOCOLS.c.hash)
        with self._engine.connect() as connection:
            return [ProtocolEntry(**row) for row in connection.execute(query).mappings()]


def _entry(row: sa.RowMapping) -> RunEntry:
    values: dict[str, Any] = {str(key): "" if value is None else value for key, value in row.items()}
    return RunEntry(**{**values, "end_sequence": row["end_sequence"]})


def _put_run(connection: sa.Connection, manifest: Mapping[str, Any], folder: str) -> None:
    protocol = manifest.get("protocol") or {}
    cell = manifest.get("cell") or {}
    values = {
        "run_id": manifest["run_id"],
        "folder": folder,
        "cell_id": cell.get("cell_id"),
        "channel": manifest.get("channel"),
        "protocol": protocol.get("name"),
        "protocol_hash": protocol.get("hash"),
        "state": manifest.get("state"),
        "outcome": manifest.get("outcome"),
        "reason": manifest.get("reason"),
        "started_utc": manifest.get("started_utc"),
        "end_sequence": manifest.get("end_sequence"),
    }
    connection.execute(_RUNS.delete().where(_RUNS.c.run_id == values["run_id"]))
    connection.execute(_RUNS.insert().values(**values))
    if protocol.get("text") and protocol.get("hash"):
        _put_protocol(connection, str(protocol.get("name", "")), str(protocol["text"]), str(protocol["hash"]))


def _put_protocol(connection: sa.Connection, name: str, text: str, key: str) -> None:
    if connection.execute(sa.select(_PROTOCOLS.c.hash).where(_PROTOCOLS.c.hash == key)).first() is None:
        connection.execute(_PROTOCOLS.insert().values(hash=key, name=name, text=text))


def _rebuild(engine: sa.Engine, root: DataRoot) -> Rebuilt:
    problems: list[str] = []
    runs = 0
    with engine.begin() as connection:
        for table in (_CELLS, _RUNS, _PROTOCOLS):
            connection.execute(table.delete())
        seen = _rebuild_cells(connection, root, problems)
        for folder in root.run_folders():
            try:
                manifest = read_manifest(root.disk, folder)
                _put_run(connection, manifest, folder.relative_to(root.path).as_posix())
                _cell_of_run(connection, manifest, seen)
            except (StoreError, KeyError, TypeError, ValueError) as error:
                problems.append(f"{folder.name}: {error}")
                continue
            runs += 1
        protocols = connection.execute(sa.select(sa.func.count()).select_from(_PROTOCOLS)).scalar_one()
    return Rebuilt(len(seen), runs, protocols, tuple(problems))


def _rebuild_cells(connection: sa.Connection, root: DataRoot, problems: list[str]) -> set[str]:
    try:
        data = root.disk.read(root.path / CELLS_FILE)
    except FileNotFoundError:
        return set()
    content = read_lines(data, chained=True)
    problems += [f"{CELLS_FILE}: line {line} does not fit its check" for line in content.bad]
    seen: set[str] = set()
    for line in content.lines:
        cell = line.fields["cell"]
        values = {"cell_id": cell["cell_id"], "revision": line.fields["revision"], "data": cell}
        connection.execute(_CELLS.insert().values(**values))
        seen.add(str(cell["cell_id"]))
    return seen


def _cell_of_run(connection: sa.Connection, manifest: Mapping[str, Any], seen: set[str]) -> None:
    """Take a cell that the registry file lacks from the run that used it."""
    cell = manifest.get("cell") or {}
    cell_id = cell.get("cell_id")
    if cell_id and cell_id not in seen:
        data = cell_to_json(cell_from_json(json.loads(json.dumps(cell))))
        connection.execute(_CELLS.insert().values(cell_id=cell_id, revision=1, data=data))
        seen.add(str(cell_id))
