"""k-layer networks in NumPy: layers, schedules, training, gradient check, data sets.

`network` is one network and what it answers; `step` is one training step, where the equations
are; `train` and `train_pack` are the loop; `schedule` is η; `gradcheck` the check. Its one room,
`data`, is data sets: loaded by name, split, standardised.

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

from kbn.errors import DataError, InputError

__all__ = ["DataError", "InputError"]
