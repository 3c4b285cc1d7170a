"""Find the learning rates to cycle between: `python -m search.range_test`."""

from search.experiments.range_test import RangeTest
from search.study.command import main

if __name__ == "__main__":
    main(RangeTest)
