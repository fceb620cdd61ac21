"""From columns to strokes: what is drawn in each pixel column, for one curve or for many at once. No Qt.

The line between two neighbours is followed across each pixel edge that it crosses, so that a column's stroke is what
an ideal thin line would cover: nothing is averaged, nothing is lost, and a gap stays empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labctl.gui.plots.data import Floats

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Strip:
    """A curve in pixels: places and heights of its columns, oldest first. Shape: (n,) each."""

    x: Floats
    top: Floats
    bottom: Floats
    first: Floats
    last: Floats
    broken: Bools
    """True where the line must not reach back to the column before."""


def vertices(strip: Strip, level: float) -> tuple[Floats, Floats, Bools]:
    """Return a line through first, top, bottom, last of each column; one point where they lie within ``level`` pixels.

    The third array says which points go on to the next.
    """
    tall = (strip.bottom - strip.top) > level
    count = np.where(tall, 4, 1)
    total = int(count.sum())
    x = np.repeat(strip.x, count)
    y = np.empty(total)
    begin = np.cumsum(count) - count
    y[begin] = np.where(tall, strip.first, 0.5 * (strip.top + strip.bottom))
    at = begin[tall]
    up = (
        strip.first[tall] > strip.last[tall]
    )  # a falling pixel is a rising value: the nearer extreme comes first
    y[at + 1] = np.where(up, strip.bottom[tall], strip.top[tall])
    y[at + 2] = np.where(up, strip.top[tall], strip.bottom[tall])
    y[at + 3] = strip.last[tall]
    joined = np.ones(total, dtype=np.bool_)
    ends = begin + count - 1
    joined[ends[:-1]] = ~strip.broken[1:]
    if total:
        joined[-1] = False
    return x, y, joined & np.isfinite(y)


def spans(strips: Sequence[Strip], width: int) -> tuple[Floats, Floats]:
    """Return the top and bottom of each curve's stroke in each pixel column, NaN where there is none.

    Shape: (curves, width) each; pixels downwards. All curves at once: the cost is that of a few passes over the points.
    """
    curves = len(strips)
    top, bottom = np.full((curves, width), np.nan), np.full((curves, width), np.nan)
    sizes = np.array([len(strip.x) for strip in strips])
    if not sizes.sum():
        return top, bottom
    x = np.concatenate([strip.x for strip in strips])
    curve = np.repeat(np.arange(curves), sizes)
    place = np.floor(np.clip(x, -1.0, float(width))).astype(np.int64)
    high = np.concatenate([strip.top for strip in strips])
    low = np.concatenate([strip.bottom for strip in strips])
    inside = (place >= 0) & (place < width) & np.isfinite(high)
    key = (curve * width + place)[inside]
    if len(key):
        starts = np.flatnonzero(np.concatenate(([True], np.diff(key) != 0)))
        top.ravel()[key[starts]] = np.minimum.reduceat(high[inside], starts)
        bottom.ravel()[key[starts]] = np.maximum.reduceat(low[inside], starts)
    edges = _edges(strips, x, curve, place, width)
    np.fmin(top, np.fmin(edges[:, :-1], edges[:, 1:]), out=top)
    np.fmax(bottom, np.fmax(edges[:, :-1], edges[:, 1:]), out=bottom)
    return top, bottom


def _edges(
    strips: Sequence[Strip], x: Floats, curve: NDArray[np.int64], place: NDArray[np.int64], width: int
) -> Floats:
    """Return where each curve crosses each pixel edge, NaN where it does not. Shape: (curves, width + 1)."""
    edges = np.full((len(strips), width + 1), np.nan)
    broken = np.concatenate([strip.broken for strip in strips])
    left = np.concatenate([strip.last for strip in strips])[:-1]
    right = np.concatenate([strip.first for strip in strips])[1:]
    crossing = place[1:] - place[:-1]
    joined = (crossing > 0) & (curve[1:] == curve[:-1]) & ~broken[1:]
    pair = np.flatnonzero(joined)
    if not len(pair):
        return edges
    many = crossing[pair]
    which = np.repeat(pair, many)
    offset = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    edge = place[which] + 1 + offset
    run = x[which + 1] - x[which]
    part = (edge - x[which]) / np.where(run > 0, run, 1.0)
    value = left[which] + np.clip(part, 0.0, 1.0) * (right[which] - left[which])
    edges.ravel()[curve[which] * (width + 1) + edge] = value
    return edges


def clipped(
    x: Floats, y: Floats, joined: Bools, box: tuple[float, float, float, float]
) -> tuple[Floats, Floats, Bools]:
    """Return a line cut at a box (left, top, right, bottom): for files, where a clip would be lost.

    Points that go on to the next keep doing so where both are inside. Source: Liang and Barsky, 1984.
    """
    if len(x) < 2:
        inside = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
        return x[inside], y[inside], joined[inside]
    x_0, y_0 = x[:-1], y[:-1]
    run, rise = np.diff(x), np.diff(y)
    begin, end = np.zeros(len(run)), np.ones(len(run))
    outside = ~joined[:-1]
    for step, room in (
        (-run, x_0 - box[0]),
        (run, box[2] - x_0),
        (-rise, y_0 - box[1]),
        (rise, box[3] - y_0),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            part = room / step
        begin = np.where(step < 0, np.maximum(begin, part), begin)
        end = np.where(step > 0, np.minimum(end, part), end)
        outside |= (step == 0) & (room < 0)
    kept = np.flatnonzero(~outside & (begin <= end))
    if not len(kept):
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.bool_)
    begin, end = begin[kept], end[kept]
    out_x = np.stack((x_0[kept] + begin * run[kept], x_0[kept] + end * run[kept]), axis=1).ravel()
    out_y = np.stack((y_0[kept] + begin * rise[kept], y_0[kept] + end * rise[kept]), axis=1).ravel()
    on = np.zeros(len(kept), dtype=np.bool_)
    on[:-1] = (np.diff(kept) == 1) & (end[:-1] >= 1.0) & (begin[1:] <= 0.0)
    out = np.ones(2 * len(kept), dtype=np.bool_)
    out[1::2] = on
    lasting = np.ones(len(out), dtype=np.bool_)
    lasting[2::2] = ~on[:-1]  # the first point of a piece that goes on from the piece before is there already
    return out_x[lasting], out_y[lasting], out[lasting]


def inside_box(x: Floats, y: Floats, box: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    """Return a closed polygon cut at a box (left, top, right, bottom). Source: Sutherland and Hodgman, 1974."""
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    for axis, edge, sign in ((0, box[0], 1.0), (0, box[2], -1.0), (1, box[1], 1.0), (1, box[3], -1.0)):
        kept: list[tuple[float, float]] = []
        for index, end in enumerate(points):
            begin = points[index - 1]
            inner, before = sign * (end[axis] - edge) >= 0.0, sign * (begin[axis] - edge) >= 0.0
            if inner != before:
                part = (edge - begin[axis]) / (end[axis] - begin[axis])
                kept.append((begin[0] + part * (end[0] - begin[0]), begin[1] + part * (end[1] - begin[1])))
            if inner:
                kept.append(end)
        points = kept
    return points
