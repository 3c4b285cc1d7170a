"""The buffers of a training step, made once, so that steps allocate nothing of a batch's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int, Integer

from kbn.layers import EPS
from kbn.pack import Columns, Pack, aligned, columns


@dataclass(frozen=True)
class Workspace:
    """Buffers of a step for K networks and n images; `l` counts layers from the inputs."""

    X: Float[np.ndarray, "n d"]
    """The batch's images, one a row: all members see the same."""
    XW: Float[np.ndarray, "K n _"]
    """The first layer's product, in the layout in which BLAS is fastest."""
    A: tuple[Float[np.ndarray, "K _ n"], ...]
    """Wᵀ H + b of each layer; centred where it is normalised."""
    on: tuple[Float[np.ndarray, "K _ n"], ...]
    """[Y > 0] of the hidden layers: 1 where a unit lets through, else 0."""
    H: tuple[Float[np.ndarray, "K _ n"], ...]
    """Activations of the hidden layers."""
    G: tuple[Float[np.ndarray, "K _ n"], ...]
    """When `backward` ends: derivatives of the batch's summed loss by each layer's Wᵀ H + b."""
    moments: Float[np.ndarray, "K _"]
    """The batch's means, then its variances (1/n), laid out as `Pack.averages`."""
    mu: Columns
    var: Columns
    """Views of `moments`, as are the next two."""
    means: Float[np.ndarray, "K _"]
    variances: Float[np.ndarray, "K _"]
    squares: Columns
    """n·(var + ε)."""
    stds: Float[np.ndarray, "K _"]
    """√(var + ε) of all hidden layers."""
    std: Columns
    """Views of `stds`."""
    scale: Columns
    """γ/√(var + ε)."""
    column: Columns
    """Room for one intermediate value a unit."""
    d_small: Float[np.ndarray, "K _"]
    """Derivatives of the mean loss, laid out as `Pack.small`."""
    db: Columns
    dgamma: Columns
    dbeta: Columns
    dgammas: Float[np.ndarray, "K _"]
    """All of `dgamma`."""
    rates: Float[np.ndarray, "K 1"]
    """The members' learning rates."""
    extremes: Float[np.ndarray, "K 1 n"]
    """Largest score of each image, then the sum of its exponentials."""
    labels: Int[np.ndarray, " Kn"]
    """Where each image's true class lies in the scores, of shape (K, k, n)."""
    first_class: Int[np.ndarray, "K n"]
    """Where its first class lies."""
    nths: Float[np.ndarray, "n 1"]
    """A product with it is a mean over images."""
    nth: Float[np.ndarray, ""]
    """1/n."""
    n_eps: Float[np.ndarray, ""]
    """n·ε."""
    zero: Float[np.ndarray, ""]

    @classmethod
    def of(cls, pack: Pack, n: int, *, images: np.ndarray | None = None) -> Workspace:
        """Return buffers for a pack and batches of n images, which may be taken from `images`."""
        dtype, K = pack.small.dtype, len(pack)
        d = pack.W[0].shape[1]
        widths = tuple(W.shape[2] for W in pack.W)
        hidden, k = widths[:-1], widths[-1]
        normed = hidden if pack.batch_norm else ()
        of_layers = partial(_of_layers, K, dtype)
        A = of_layers(widths, n)
        moments, d_small = aligned(pack.averages.shape, dtype), aligned(pack.small.shape, dtype)
        stds = aligned((K, sum(normed)), dtype)
        mu, var = columns(moments, (normed, normed))
        db, dgamma, dbeta = columns(d_small, (widths, normed, normed))
        return cls(
            X=aligned((n, d), dtype, beside=images),
            XW=aligned((K, n, widths[0]), dtype),
            A=A,
            on=of_layers(hidden, n),
            H=of_layers(hidden, n),
            G=(*of_layers(hidden, n), A[-1]),
            moments=moments,
            mu=mu,
            var=var,
            means=moments[:, : sum(normed)],
            variances=moments[:, sum(normed) :],
            squares=of_layers(normed, 1),
            stds=stds,
            std=columns(stds, (normed,))[0],
            scale=of_layers(normed, 1),
            column=of_layers(normed, 1),
            d_small=d_small,
            db=db,
            dgamma=dgamma,
            dbeta=dbeta,
            dgammas=d_small[:, sum(widths) : sum(widths) + sum(normed)],
            rates=aligned((K, 1), dtype),
            extremes=aligned((K, 1, n), dtype),
            labels=np.zeros(K * n, np.intp),
            first_class=np.arange(n) + k * n * np.arange(K)[:, np.newaxis],
            nths=np.full((n, 1), 1.0 / n, dtype),
            nth=np.array(1.0 / n, dtype),
            n_eps=np.array(n * EPS, dtype),
            zero=np.array(0.0, dtype),
        )

    def load(
        self, X: Float[np.ndarray, "N d"], y: Integer[np.ndarray, " N"], rows: Int[np.ndarray, " n"]
    ) -> None:
        """Take a batch: some rows of a set of images, with their labels."""
        # Any mode but "raise" writes to the buffer directly.
        np.take(X, rows, axis=0, out=self.X, mode="clip")
        labels = self.labels.reshape(self.first_class.shape)
        # A place among the scores may be larger than the labels' type can hold.
        places = np.multiply(y[rows], len(rows), dtype=labels.dtype, casting="unsafe")
        np.add(self.first_class, places, out=labels, casting="unsafe")


def _of_layers(
    members: int, dtype: np.dtype, widths: Sequence[int], columns: int
) -> tuple[np.ndarray, ...]:
    """Return buffers of all members' layers; no function within `of`: tests check each anew."""
    return tuple(aligned((members, m, columns), dtype) for m in widths)
