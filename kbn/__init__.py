"""k-layer networks in NumPy: layers, schedules, training, gradient check, data sets.

`network` is one network, `inference` what it answers, `model` a trained one and its file; `step`
is one training step, where the equations are; `train` and `train_pack` are the loop; `schedule` is
η; `gradcheck` checks `step` against `differences`; `estimator` is all of it as a scikit-learn
classifier. Its one room, `data`, is data sets: loaded by name, split, standardised.

Dimension letters in signatures:

===  =========================================
n    images in a batch or a set
d    features of an image, inputs of a layer
m    units of a layer
k    classes
_    any length
===  =========================================

Names of quantities: `X` images, `y` labels, `W, b` weights and biases, `gamma, beta` scale and
shift of batch normalisation, `mu, var` its moving averages, `A` pre-activations, `H`
activations, `S` scores, `P` probabilities, `G` derivatives by activations, `eta` learning rate,
`lam` L2 strength λ, `alpha` share of the old value in a moving average.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kbn.errors import DataError, InputError

if TYPE_CHECKING:
    from kbn.estimator import KBNClassifier as KBNClassifier

_HOME = {
    "KBNClassifier": "kbn.estimator",
    # It decides by what a search knows, and nothing here does: its name is handed out, no more.
    "LambdaSearchCV": "search.cross_validation",
}
__all__ = ["DataError", "InputError", "KBNClassifier", "LambdaSearchCV"]


def __getattr__(name: str) -> Any:
    """Import a scikit-learn estimator on first use: whoever trains a network needs none."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
