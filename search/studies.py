"""Studies from a shell, of a folder or of a server: `python -m search.studies list`."""

from search.service.shell import main

if __name__ == "__main__":
    main()
