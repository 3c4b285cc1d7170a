"""The matrix of σ × {batch normalisation, none}: `python -m search.sigma_batchnorm`."""

from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.study.command import main

if __name__ == "__main__":
    main(SigmaBatchNorm)
