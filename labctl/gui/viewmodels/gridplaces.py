"""Where the tiles of the grid stand on the page: racks side by side or stacked, as wide as there is room. No Qt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from labctl.gui.viewmodels.grid import Section

Box = tuple[int, int, int, int]
"""Left, top, width, height in device pixels."""


class TileSize(StrEnum):
    """How large tiles are."""

    S = "S"
    M = "M"
    L = "L"


@dataclass(frozen=True, slots=True)
class Measure:
    """Design pixels of one size: a tile is between ``least`` and ``most`` wide, ``height`` to ``tallest`` high."""

    least: float
    most: float
    height: float
    tallest: float


MEASURES = {
    TileSize.S: Measure(62.0, 96.0, 28.0, 40.0),
    TileSize.M: Measure(84.0, 150.0, 88.0, 136.0),
    TileSize.L: Measure(172.0, 236.0, 88.0, 136.0),
}
GAP_PX = 4.0
BLOCK_GAP_PX = 10.0
HEAD_PX, FOOT_PX = 28.0, 12.0
UNITS_PX = 24.0
"""Room for the unit labels at the left edge of a rack."""


@dataclass(frozen=True, slots=True)
class Block:
    """One section on the page. ``units``: label and box of each row, with its channels."""

    section: Section
    head: Box
    area: Box
    units: tuple[tuple[str, Box, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class GridPlaces:
    """Every tile's box, the heads of the sections, and how large the whole is."""

    tiles: dict[str, Box] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    width: int = 0
    height: int = 0

    def at(self, x: int, y: int) -> str:
        """Return the channel at a point, empty where there is none."""
        for block in self.blocks:
            if _inside(block.area, x, y):
                for channel in block.section.channels:
                    if _inside(self.tiles[channel], x, y):
                        return channel
        return ""

    def group_at(self, x: int, y: int) -> tuple[str, ...]:
        """Return the channels of the section or the unit whose name is at a point (select by group, R8)."""
        for block in self.blocks:
            if _inside(block.head, x, y):
                return block.section.channels
            for _, box, channels in block.units:
                if _inside(box, x, y):
                    return channels
        return ()

    def within(self, box: Box) -> tuple[str, ...]:
        """Return the channels whose tiles a rectangle touches, in order (lasso)."""
        left, top, width, height = box
        return tuple(
            channel
            for channel, (x, y, wide, high) in self.tiles.items()
            if x < left + width and left < x + wide and y < top + height and top < y + high
        )

    def beside(self, channel: str, columns: int, rows: int) -> str:
        """Return the nearest tile in the direction of an arrow key, as the eye sees it; empty at the edge."""
        found = self.tiles.get(channel)
        if found is None:
            return next(iter(self.tiles), "")
        here_x, here_y = _middle(found)
        reach = found[3] / 2 if columns else found[2] / 2
        in_line: tuple[float, str] = (math.inf, "")
        any_of: tuple[float, str] = (math.inf, "")
        for name, box in self.tiles.items():
            x, y = _middle(box)
            ahead = (x - here_x) * columns + (y - here_y) * rows
            aside = abs(y - here_y) if columns else abs(x - here_x)
            if ahead <= 0:
                continue
            if aside < reach:
                in_line = min(in_line, (ahead, name))
            elif rows:
                any_of = min(any_of, (ahead * 64 + aside, name))  # a row ahead weighs more than a step aside
        return in_line[1] or any_of[1]


def _inside(box: Box, x: int, y: int) -> bool:
    left, top, width, height = box
    return left <= x < left + width and top <= y < top + height


def _middle(box: Box) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def grid_places(
    sections: Sequence[Section],
    size: TileSize,
    width: int,
    px: Callable[[float], int],
    top: int = 0,
    room: int = 0,
) -> GridPlaces:
    """Place all sections in ``width`` device pixels, from ``top`` down; ``px`` enlarges a size of the design.

    Where all of it is lower than ``room``, tiles grow in height too: more of the sparkline and of the reason is seen.

    As many sections stand side by side as fit; tiles then grow until the width is used, up to the size's largest. The
    next section goes where there is most room, so that a short rack leaves no hole.
    """
    if not sections:
        return GridPlaces()
    measure = MEASURES[size]
    slots = max(1, max(_slots(section) for section in sections))
    units = px(UNITS_PX) if any(section.units for section in sections) else 0
    gap, between, height = px(GAP_PX), px(BLOCK_GAP_PX), px(measure.height)
    least = units + slots * (px(measure.least) + gap) - gap
    columns = max(1, min(len(sections), (width + between) // (least + between)))
    free = (width - (columns - 1) * between) // columns
    tile = min(px(measure.most), max(px(measure.least), (free - units + gap) // slots - gap))
    sizes = (units, tile, height, gap, px(HEAD_PX), units + slots * (tile + gap) - gap)
    found, rows = _stacked(sections, columns, sizes, top, px)
    grown = min(px(measure.tallest), height + (room - found.height) // max(1, rows))
    if grown > height:
        found, _ = _stacked(sections, columns, (units, tile, grown, *sizes[3:]), top, px)
    return found


def _stacked(
    sections: Sequence[Section],
    columns: int,
    sizes: tuple[int, int, int, int, int, int],
    top: int,
    px: Callable[[float], int],
) -> tuple[GridPlaces, int]:
    """Return the sections in columns, each where there is most room; and how many rows the tallest column has."""
    width, between = sizes[-1], px(BLOCK_GAP_PX)
    heights, rows = [top] * columns, [0] * columns
    tiles: dict[str, Box] = {}
    blocks: list[Block] = []
    for section in sections:
        column = min(range(columns), key=lambda at: (heights[at], at))
        block = _block(section, (column * (width + between), heights[column]), sizes, tiles)
        blocks.append(block)
        rows[column] += section.rows
        heights[column] = block.area[1] + block.area[3] + px(FOOT_PX)
    whole = columns * (width + between) - between
    return GridPlaces(tiles, tuple(blocks), whole, max(heights)), max(rows)


def _block(
    section: Section,
    corner: tuple[int, int],
    sizes: tuple[int, int, int, int, int, int],
    tiles: dict[str, Box],
) -> Block:
    """Place one section with its tiles. ``sizes``: unit labels, tile width and height, gap, head, block width."""
    units, tile, height, gap, head, width = sizes
    left, upper = corner
    first = upper + head
    for channel, (row, column) in zip(section.channels, section.spots, strict=True):
        tiles[channel] = (left + units + column * (tile + gap), first + row * (height + gap), tile, height)
    labels = []
    for row, label in enumerate(section.units):
        box = (left, first + row * (height + gap), units - gap, height)
        labels.append((label, box, _in_row(section, row)))
    high = section.rows * (height + gap) - gap
    return Block(section, (left, upper, width, head), (left, first, width, high), tuple(labels))


def _in_row(section: Section, row: int) -> tuple[str, ...]:
    spots: Iterable[tuple[str, tuple[int, int]]] = zip(section.channels, section.spots, strict=True)
    return tuple(channel for channel, spot in spots if spot[0] == row)


def _slots(section: Section) -> int:
    return max((column + 1 for _, column in section.spots), default=1)
