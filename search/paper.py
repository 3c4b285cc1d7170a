"""Every experiment of the reference report in one study: `python -m search.paper`."""

from search.command import main
from search.reference_report import Paper

if __name__ == "__main__":
    main(Paper)
