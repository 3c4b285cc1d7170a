"""The matrix of σ × {batch normalisation, none}: `python -m search.sigma_batchnorm`."""

from search.command import main
from search.sensitivity import SigmaBatchNorm

if __name__ == "__main__":
    main(SigmaBatchNorm)
