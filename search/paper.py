"""Every experiment of the reference report in one study: `python -m search.paper`."""

from search.experiments.paper import Paper
from search.study.command import main

if __name__ == "__main__":
    main(Paper)
