"""A λ search as a library: run it, look at its frames, use its network.

python examples/library.py [folder for studies]
"""

from __future__ import annotations

import sys
from pathlib import Path

from kbn import data
from kbn.model import load
from search import LambdaSearch, run


def main(out: Path) -> None:
    """Search λ on handwritten digits, then label images with the final network."""
    search = LambdaSearch(data="digits", hidden=(30,), coarse=(1e-3, 1e-2, 1e-1), seed=1)
    study = run(search, out=out, quiet=True)  # embedded Ray; again, and it trains nothing

    best = study.best
    assert best is not None
    print(f"λ = {best.trial.lam:g}; the report is {study.folder / 'report.md'}")

    trials = study.trials().sort_values("value", ascending=False)
    print(trials[["stage", "params_lam", "value", "state"]].to_string(index=False))

    model = load(study.folder / "model.npz")  # it takes raw images: mean and std are inside
    images, labels = data.load("digits").X_test, data.load("digits").y_test
    print("said:", *model.predict(images[:10]))
    print("true:", *labels[:10])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
