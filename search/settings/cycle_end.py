"""Where runs end in the learning-rate cycle, and a warning for those that end in its middle."""

from __future__ import annotations

from collections.abc import Iterable

from kbn.schedule import SCHEDULES
from search.settings.values import number_text
from search.trial import Trial


def mid_cycle_warnings(trials: Iterable[Trial]) -> tuple[str, ...]:
    """Return a warning for each length of run and cycle of some trials that ends in mid-cycle."""
    found: dict[tuple[int, float], str] = {}
    for trial in dict.fromkeys(trials):
        if warning := mid_cycle_warning(trial):
            cycle = trial.cycle_steps / (trial.train_size // trial.batch_size)
            found.setdefault((trial.epochs, cycle), warning)
    return tuple(found.values())


def mid_cycle_warning(trial: Trial) -> str | None:
    """Return a warning when a trial's last epoch is not the one nearest to a cycle's end.

    A network measured while the learning rate is high is worse than the same network at the
    cycle's end. None when all is well, and for learning rates that do not come back.
    """
    per_epoch = trial.train_size // trial.batch_size
    steps, cycle = trial.epochs * per_epoch, trial.cycle_steps
    cycles = max(1, round(steps / cycle))
    if trial.schedule in {"constant", "rising"} or 2 * abs(steps - cycles * cycle) <= per_epoch:
        return None
    eta = SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, cycle)(steps)
    whole = {max(1, round(count * cycle / per_epoch)) for count in _around(steps / cycle)}
    return (
        f"{trial.epochs} epochs end in the middle of a learning-rate cycle, where η is "
        f"{number_text(float(f'{eta:.2g}'))}; whole cycles end after "
        f"{' or '.join(str(epochs) for epochs in sorted(whole))} epochs."
    )


def _around(cycles: float) -> tuple[int, ...]:
    """Return the whole numbers of cycles below and above, from one up."""
    below = int(cycles)
    return (below, below + 1) if below else (1,)
