"""Compare training with and without batch normalisation: `python -m search.loss_evolution`."""

from search.experiments.loss_evolution import LossEvolution
from search.study.command import main

if __name__ == "__main__":
    main(LossEvolution)
