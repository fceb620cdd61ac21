"""What the text formats share: decoding, numbers with either decimal sign, columns by name, errors with the line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labctl.errors import UserFileError
from labctl.interfaces.potentiostat import DcBlock
from labctl.model.spectrum import AmplitudeKind, FloatArray, Spectrum, SpectrumHead

WINDOWS_LINE_END = "\r\n"
"""Ends the lines of formats whose own programs run on Windows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: where it stands in the file (from 1) and its cells."""

    line: int
    cells: tuple[str, ...]


def text_of(data: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 where that fits, else Latin-1, which takes any byte."""
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def lines_of(data: bytes) -> list[str]:
    """Return the lines without their ends, whichever system wrote them."""
    return text_of(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def number(cell: str) -> float:
    """Return a number written with a decimal point or a decimal comma. Raises: ValueError."""
    cell = cell.strip()
    if "_" in cell:
        raise ValueError(f"{cell!r} is not a number")  # Python would read 1_000
    try:
        return float(cell)
    except ValueError:
        return float(cell.replace(",", "."))


def is_number(cell: str) -> bool:
    """Say whether a cell holds a number."""
    try:
        number(cell)
    except ValueError:
        return False
    return True


def columns_of(rows: Sequence[Row], places: Mapping[str, int], source: str) -> dict[str, FloatArray]:
    """Return the named columns of a table; ``places`` gives the index of each. Shape of each: (rows,).

    Raises: UserFileError naming line, column and fix where a cell is missing or is no number.
    """
    found = {name: np.empty(len(rows)) for name in places}
    for index, row in enumerate(rows):
        for name, place in places.items():
            cell = row.cells[place] if place < len(row.cells) else ""
            try:
                found[name][index] = number(cell)
            except ValueError:
                problem = (
                    f"the row has {len(row.cells)} columns, too few for {name!r}."
                    if place >= len(row.cells)
                    else f"{cell.strip()!r} in column {name!r} is not a number."
                )
                raise UserFileError(
                    problem, path=source, line=row.line, fix="Mend the row, or take it out."
                ) from None
    return found


def told(values: FloatArray) -> FloatArray:
    """Return a column of a file, NaN where it holds nothing but zeros: many programs write 0 for "not measured"."""
    return values if np.any(values) else np.full(values.shape, np.nan)


def told_number(text: str) -> float:
    """Return a setting of a file; NaN where it is no number, or 0: an amplitude of 0 means that nobody set one."""
    return number(text) or math.nan if is_number(text) else math.nan


def or_zero(value: float) -> float:
    """Return a value for a column that cannot stay empty: 0 stands for "not known" in these files."""
    return value if math.isfinite(value) else 0.0


def spectrum_of(
    columns: Mapping[str, FloatArray],
    rows: Sequence[Row],
    source: str,
    head: SpectrumHead | None = None,
    **more: FloatArray,
) -> Spectrum:
    """Return a spectrum from the columns ``f``, ``re`` and ``im`` (signed), which must all be known.

    ``more`` names further columns of a spectrum; without a ``head`` the file tells no kind of amplitude. Raises:
    UserFileError naming the line of a point without a value, or where there is no point at all.
    """
    frequency_Hz, re_ohm, im_ohm = columns["f"], columns["re"], columns["im"]
    if not len(rows):
        raise UserFileError("the file holds no row with a frequency.", path=source, fix="Export it again.")
    good = np.isfinite(frequency_Hz) & (frequency_Hz > 0.0) & np.isfinite(re_ohm) & np.isfinite(im_ohm)
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        raise UserFileError(
            f"{frequency_Hz[bad]:g} Hz with {re_ohm[bad]:g}{im_ohm[bad]:+g}j ohm is no point of a spectrum.",
            path=source,
            line=rows[bad].line,
            fix="Take the row out.",
        )
    head = head or SpectrumHead(told_amplitude=AmplitudeKind.UNKNOWN)
    return Spectrum.of(frequency_Hz, re_ohm + 1j * im_ohm, head, **more)


def apart(rows: Sequence[Row], frequency_Hz: FloatArray) -> tuple[list[Row], NDArray[np.bool_]]:
    """Return the rows of a spectrum and, for all rows, whether they are that: DC rows have the frequency 0."""
    is_point = frequency_Hz != 0.0
    return [row for row, keep in zip(rows, is_point, strict=True) if keep], is_point


def parts_of(labels: FloatArray) -> list[NDArray[np.bool_]]:
    """Return which rows belong to each label (a cycle, a segment), in the order in which they first appear.

    Rows whose label is no number belong together. Shapes: (rows,).
    """
    known = np.nan_to_num(labels, nan=-1.0)
    return [known == label for label in dict.fromkeys(known.tolist())]


def dc_of(elapsed_s: FloatArray, e_V: FloatArray, i_A: FloatArray) -> DcBlock | None:
    """Return DC rows as a block, None where there are none. Shape of the columns: (rows,)."""
    count = elapsed_s.size
    if not count:
        return None
    return DcBlock(elapsed_s, e_V, i_A, np.zeros(count, np.int32), np.zeros(count, np.uint8))


def one_line(text: str, *forbidden: str) -> str:
    """Return a person's text for a line of a file; nothing where it holds a word that readers search for."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return "" if any(word.lower() in text.lower() for word in forbidden) else text
