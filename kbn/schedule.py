"""Learning-rate schedules: functions from the step to η.

Each factory takes the smallest and largest rate and the cycle's length in steps, and returns a
function that takes the number of steps done and gives the next step's η.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from kbn.errors import InputError

Schedule = Callable[[int], float]

SHORTEST_CYCLE = 2
"""Steps of a cycle, at least."""


def triangular(eta_min: float, eta_max: float, cycle_steps: int) -> Schedule:
    """Rise linearly from η_min to η_max in half a cycle, fall back in the other half.

    Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.
    """
    _check(eta_min, eta_max, cycle_steps)

    def eta(step: int) -> float:
        return eta_min + (eta_max - eta_min) * _tooth(step, cycle_steps)

    return eta


def triangular2(eta_min: float, eta_max: float, cycle_steps: int) -> Schedule:
    """Do as `triangular`, with the height halved from each cycle to the next (same source)."""
    _check(eta_min, eta_max, cycle_steps)

    def eta(step: int) -> float:
        height = (eta_max - eta_min) * 0.5 ** (step // cycle_steps)
        return eta_min + height * _tooth(step, cycle_steps)

    return eta


def cosine(eta_min: float, eta_max: float, cycle_steps: int) -> Schedule:
    """Fall from η_max to η_min along half a cosine, then restart.

    Source: I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    _check(eta_min, eta_max, cycle_steps)

    def eta(step: int) -> float:
        phase = (step % cycle_steps) / cycle_steps
        return eta_min + (eta_max - eta_min) * 0.5 * (1.0 + math.cos(math.pi * phase))

    return eta


def constant(eta_min: float, eta_max: float, cycle_steps: int) -> Schedule:
    """Stay at η_max."""
    _check(eta_min, eta_max, cycle_steps)
    return lambda _: eta_max


def rising(eta_min: float, eta_max: float, cycle_steps: int) -> Schedule:
    """Rise from η_min to η_max by the same factor a step, over one cycle; then stay there.

    Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3,
    where the rise is even; by factors it covers several decades.
    """
    _check(eta_min, eta_max, cycle_steps)
    decades = math.log(eta_max / eta_min)
    return lambda step: eta_min * math.exp(decades * min(1.0, step / (cycle_steps - 1)))


SCHEDULES: dict[str, Callable[[float, float, int], Schedule]] = {
    "triangular": triangular,
    "triangular2": triangular2,
    "cosine": cosine,
    "constant": constant,
    "rising": rising,
}
ORDINARY = tuple(name for name in SCHEDULES if name != "rising")
"""Those to train a network with: the rising one is a range test's, and ends at the largest η."""


def _tooth(step: int, cycle_steps: int) -> float:
    """Return the height, 0 to 1, of a triangle wave that starts at 0."""
    return 1.0 - abs(2.0 * (step % cycle_steps) / cycle_steps - 1.0)


def _check(eta_min: float, eta_max: float, cycle_steps: int) -> None:
    if not 0 < eta_min <= eta_max < math.inf:
        raise InputError(f"η from {eta_min} to {eta_max}: 0 < η_min ≤ η_max is needed")
    if cycle_steps < SHORTEST_CYCLE:
        raise InputError(f"a cycle of {cycle_steps} steps: at least {SHORTEST_CYCLE} are needed")
