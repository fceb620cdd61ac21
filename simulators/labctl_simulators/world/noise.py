"""Counter-based normal noise: the number of a record depends on its key and sequence number alone.

Philox turns (key, counter) into random words; the key is a digest of the words that name the stream.
Numbers are always made in whole aligned blocks, so the block in which somebody asks does not matter.

Source: virtual-time.md section 4.4.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.world.elements import FloatArray

BLOCK = 1024
_TWO_PI = 2.0 * np.pi


@lru_cache(maxsize=4096)
def stream_key(*words: object) -> int:
    """Return the 128-bit key of the stream named by words (seed, instrument, channel, test id ...)."""
    text = "\x1f".join(str(word) for word in words)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def block_words(key: int, number: int) -> NDArray[np.uint64]:
    """Return the random words of an aligned block of records. Shape: (BLOCK, 2)."""
    # One Philox counter yields four 64-bit words: two records of two uniforms each.
    generator = np.random.Philox(key=key, counter=[number * BLOCK // 2, 0, 0, 0])
    return generator.random_raw(2 * BLOCK).reshape(BLOCK, 2)


def normals_from(words: NDArray[np.uint64]) -> FloatArray:
    """Turn two words per record into two normals (Box-Muller). Shape: (2, ...) from (..., 2)."""
    uniform = (words >> np.uint64(11)) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log1p(-uniform[..., 0]))
    angle = _TWO_PI * uniform[..., 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)])


@lru_cache(maxsize=256)
def _block(key: int, number: int) -> FloatArray:
    normals = normals_from(block_words(key, number))
    normals.flags.writeable = False
    return normals


def record_noise(key: int, first: int, count: int) -> FloatArray:
    """Return two standard normals per record for sequence numbers first ... first + count - 1.

    Shape: (2, count). The numbers of one record are the same in whatever range they are asked for.
    """
    if count <= 0:
        return np.zeros((2, 0))
    blocks = range(first // BLOCK, (first + count - 1) // BLOCK + 1)
    pairs = np.concatenate([_block(key, number) for number in blocks], axis=1)
    start = first - blocks[0] * BLOCK
    return pairs[:, start : start + count]
