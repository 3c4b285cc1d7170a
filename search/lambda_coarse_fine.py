"""Search λ, coarse to fine, and train the final model: `python -m search.lambda_coarse_fine`."""

from search.command import main
from search.lambda_search import LambdaSearch

if __name__ == "__main__":
    main(LambdaSearch)
