"""Search λ, coarse to fine, and train the final model: `python -m search.lambda_coarse_fine`."""

from search.experiments.lambda_coarse_fine import LambdaSearch
from search.study.command import main

if __name__ == "__main__":
    main(LambdaSearch)
