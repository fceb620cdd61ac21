"""Find ready-made protocols: those that installed packages offer by the entry point group ``labctl.protocols``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from labctl.errors import LabctlError, UserInputError
from labctl.protocol.parse import HEADER
from labctl.protocol.yamlfile import Mapping, Scalar, load_yaml_file, nearest

GROUP = "labctl.protocols"


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A protocol file of a pack. ``problem`` is set when it cannot be read."""

    name: str
    path: Path
    title: str
    description: str
    pack: str
    problem: str = ""


def _folders() -> Iterator[tuple[str, Path]]:
    for entry in sorted(entry_points(group=GROUP), key=lambda item: item.name):
        yield entry.name, Path(entry.load()())


def list_protocols() -> list[LibraryEntry]:
    """Return the protocols of all installed packs, by name. Files of another kind beside them are left out."""
    found: list[LibraryEntry] = []
    for pack, folder in _folders():
        for path in sorted(folder.glob("*.yaml")):
            entry = _entry(pack, path)
            if entry is not None:
                found.append(entry)
    return sorted(found, key=lambda item: item.name)


def _entry(pack: str, path: Path) -> LibraryEntry | None:
    try:
        node = load_yaml_file(path)
    except LabctlError as error:
        return LibraryEntry(path.stem, path, "", "", pack, problem=str(error))
    if not isinstance(node, Mapping):
        return None
    texts = {key.text: value.text for key, value in node.entries if isinstance(value, Scalar)}
    if texts.get("labctl") != HEADER:
        return None
    return LibraryEntry(path.stem, path, texts.get("name", ""), texts.get("description", "").strip(), pack)


def find_protocol(name_or_path: str) -> Path:
    """Return the file of a path, or of a library name or its unambiguous beginning (``p1``).

    Raises: UserInputError naming the nearest protocol when there is none.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.parent != Path() or path.is_file():
        if path.is_file():
            return path
        if path.parent != Path():
            raise UserInputError(
                f"there is no protocol file '{name_or_path}'. Check the path, or see 'labctl protocols list'."
            )
    wanted = path.stem.lower() if path.suffix in (".yaml", ".yml") else name_or_path.lower()
    entries = list_protocols()
    exact = [entry for entry in entries if entry.name.lower() == wanted]
    matches = exact or [entry for entry in entries if entry.name.lower().startswith(wanted)]
    if len(matches) == 1:
        return matches[0].path
    names = [entry.name for entry in matches or entries]
    if matches:
        raise UserInputError(
            f"'{name_or_path}' fits several protocols: {', '.join(names)}. Write one of them in full."
        )
    near = nearest(wanted, names)
    hint = f"Did you mean '{near}'? " if near else ""
    raise UserInputError(
        f"there is no protocol '{name_or_path}'. {hint}Known: {', '.join(names) or 'none installed'}."
    )
