"""What one epoch of training gave: a value that needs no network and no BLAS to be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training, measured at its end."""

    epoch: int
    """From 1."""
    step: int
    """Steps done so far."""
    eta: float
    """Learning rate of the epoch's last step."""
    train_cost: float
    """Loss + λ·Σ‖W‖²."""
    train_loss: float
    """Mean cross-entropy, in nats."""
    train_accuracy: float
    validation_cost: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    """Wall time of the epoch, evaluation included; in a pack, the epoch's time divided by the
    number of members that began it."""
    train_loss_error: float | None = None
    """Standard error of the loss over images, in nats; None in records older than this field."""
    validation_loss_error: float | None = None
    activation_std: tuple[float, ...] = ()
    """Standard deviation of each hidden layer's activations H = max(·, 0), inputs first: over all
    units and images of the epoch's last batch, as its step computed them, that is before the
    step's update and with the batch's own moments. Empty in records older than this field."""
    gradient_std: tuple[float, ...] = ()
    """Standard deviation of ∂(mean cross-entropy of the batch)/∂A, with A = H W + b each hidden
    layer's affine output, before batch normalisation; over the same units and images."""
