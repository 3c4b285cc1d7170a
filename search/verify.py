"""Hold a report against its own study: `python -m search.verify runs/NAME`."""

from search.study.verify import main

if __name__ == "__main__":
    main()
