"""Compare training with and without batch normalisation: `python -m search.loss_evolution`."""

from search.command import main
from search.loss_curves import LossEvolution

if __name__ == "__main__":
    main(LossEvolution)
