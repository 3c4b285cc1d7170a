"""What nodes have to agree on."""

from __future__ import annotations

import numpy as np
import scipy

from search.training.versions import versions


def test_both_libraries_that_multiply_matrices_are_named() -> None:
    """A step takes its products from NumPy's BLAS and its updates from SciPy's."""
    named = versions()
    assert (named["NumPy"], named["SciPy"]) == (np.__version__, scipy.__version__)
