"""Search any settings, coarse to fine: `python -m search.coarse_fine --vary NAME=VALUES …`."""

from search.experiments.coarse_fine.search import CoarseFine
from search.study.command import main

if __name__ == "__main__":
    main(CoarseFine)
