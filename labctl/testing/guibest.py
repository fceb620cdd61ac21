"""The twelve pictures of the docs: which scene in which look, and how a picture becomes a small file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

SIZE = "1600x1000"
COLOURS = 256
BYTES_MAX = 250_000
"""What a picture of the docs may weigh; a greater one fails the command."""


@dataclass(frozen=True, slots=True)
class Best:
    """A picture of the docs: ``gui-<name>.png``."""

    name: str
    scene: str
    theme: str = "light"
    language: str = "en"


BEST = (
    Best("station", "station"),
    Best("station-contrast", "station-selected", "contrast"),
    Best("channel", "channel"),
    Best("channel-overlay", "channel-overlay", "dark"),
    Best("cycles-zh", "channel-cycles", "light", "zh"),
    Best("compare", "compare"),
    Best("protocol-dark", "protocol-loops", "dark"),
    Best("protocol", "protocol-open"),
    Best("queue-dark", "queue", "dark"),
    Best("cells", "cells-questions"),
    Best("alarms-zh", "alarms", "dark", "zh"),
    Best("reports", "reports"),
)


def write_small(picture: QImage, path: Path) -> int:
    """Write a picture with at most 256 colours as PNG; returns its bytes. Raises: OSError when it cannot be written.

    The most frequent colours stay exact; the rest, the soft edges of letters and lines, take the nearest of them.
    """
    from PySide6.QtGui import QImage

    plain = picture.convertToFormat(QImage.Format.Format_RGB32)
    high, wide = plain.height(), plain.width()
    rows = np.frombuffer(plain.constBits(), np.uint32).reshape(high, plain.bytesPerLine() // 4)[:, :wide]
    table, places = fewer_colours(rows & 0xFFFFFF)
    stride = (wide + 3) // 4 * 4
    padded = np.zeros((high, stride), np.uint8)
    padded[:, :wide] = places
    small = QImage(padded.tobytes(), wide, high, stride, QImage.Format.Format_Indexed8)
    small.setColorTable([0xFF000000 | int(colour) for colour in table])
    if not small.save(str(path), quality=0):
        raise OSError(f"{path} cannot be written")
    return path.stat().st_size


def fewer_colours(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return at most 256 colours (0xRRGGBB) and each pixel's place among them."""
    colours, places, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    places = places.reshape(pixels.shape)
    if len(colours) <= COLOURS:
        return colours, places.astype(np.uint8)
    kept = _chosen(colours, counts)
    nearest = np.empty(len(colours), np.uint8)
    for at in range(0, len(colours), 4096):
        part = _channels(colours[at : at + 4096])[:, None, :] - _channels(kept)[None, :, :]
        nearest[at : at + 4096] = np.argmin((part**2).sum(axis=2), axis=1)
    return kept, nearest[places]


def _chosen(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the most frequent colours, and those that are farthest from all of them: a small badge keeps its own."""
    kept = list(np.argsort(counts)[::-1][: COLOURS // 2])
    points = _channels(colours)
    far = np.min(((points[:, None, :] - points[kept][None, :, :]) ** 2).sum(axis=2), axis=1)
    while len(kept) < COLOURS:
        kept.append(int(np.argmax(far)))
        far = np.minimum(far, ((points - points[kept[-1]]) ** 2).sum(axis=1))
    return colours[kept]


def _channels(colours: np.ndarray) -> np.ndarray:
    return np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=1).astype(np.int32)
