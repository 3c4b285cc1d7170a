"""Networks as training holds them: K of one shape, stacked along a leading axis.

One trial is a pack of one: each operation on a pack does the same to every member, so that a
member's bytes do not depend on K or on its place. The small parameters of all layers lie side by
side, so that one operation updates them all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from kbn.network import Network

ALIGNMENT = 64
"""Bytes of a cache line, at which buffers start."""
PAGE = 4096
"""Bytes of a memory page."""

Columns = tuple[Float[np.ndarray, "K _ 1"], ...]
"""One column a member and layer: it spreads over the batch's images."""


@dataclass(frozen=True)
class Pack:
    """Parameters and moving averages of K networks of one shape."""

    W: tuple[Float[np.ndarray, "K _ _"], ...]
    small: Float[np.ndarray, "K _"]
    """Every layer's b, then the hidden layers' γ, then their β."""
    averages: Float[np.ndarray, "K _"]
    """The hidden layers' mu, then their var."""
    batch_norm: bool
    b: Columns
    """Views of `small` and `averages`, as are the next four."""
    gamma: Columns
    beta: Columns
    mu: Columns
    var: Columns

    @classmethod
    def of(cls, networks: Sequence[Network]) -> Pack:
        """Return copies of networks of the same widths, type and kind as a pack."""
        first, K = networks[0], len(networks)
        dtype = first.W[0].dtype
        widths, normed = first.widths[1:], first.hidden if first.batch_norm else ()
        W = tuple(aligned((K, *W.shape), dtype) for W in first.W)
        small = aligned((K, sum(widths) + 2 * sum(normed)), dtype)
        averages = aligned((K, 2 * sum(normed)), dtype)
        b, gamma, beta = columns(small, (widths, normed, normed))
        mu, var = columns(averages, (normed, normed))
        pack = cls(W, small, averages, first.batch_norm, b, gamma, beta, mu, var)
        for member, network in enumerate(networks):
            for to, array in zip(
                pack.member(member).arrays().values(), network.arrays().values(), strict=True
            ):
                to[...] = array
        return pack

    def __len__(self) -> int:
        return len(self.small)

    def member(self, member: int) -> Network:
        """Return a member as a network whose arrays are views of the pack's."""
        W = tuple(array[member] for array in self.W)
        parts = (self.b, self.gamma, self.beta, self.mu, self.var)
        return Network(W, *(tuple(column[member, :, 0] for column in part) for part in parts))

    def part(self, members: Sequence[int]) -> Pack:
        """Return a pack of copies of some members."""
        return Pack.of([self.member(k) for k in members])


def columns(
    flat: Float[np.ndarray, "K _"], parts: tuple[tuple[int, ...], ...]
) -> tuple[Columns, ...]:
    """Return views of a flat array's rows, cut into parts and each part into layers' columns."""
    widths = [width for part in parts for width in part]
    cuts = iter(pairwise(accumulate(widths, initial=0)))
    return tuple(tuple(flat[:, slice(*next(cuts)), np.newaxis] for _ in part) for part in parts)


def aligned(
    shape: tuple[int, ...], dtype: DTypeLike, *, beside: np.ndarray | None = None
) -> np.ndarray:
    """Return an array of zeros that starts at a cache line.

    With `beside` it starts half a memory page away from where that array starts in its page:
    some processors copy several times slower to a place a few bytes further in the page than
    where they read.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + PAGE + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    if beside is not None:
        start = (beside.ctypes.data + PAGE // 2 - room.ctypes.data) % PAGE
        start += -start % np.dtype(dtype).itemsize
    return room[start : start + size].view(dtype).reshape(shape)
