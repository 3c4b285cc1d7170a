"""Studies over HTTP and from a shell: listed, submitted, watched, compared, stopped, fetched.

The service is a view of a folder of studies, and holds nothing of its own: what it shows is read
from the disk, and what it is asked to do is written there. `folders`, `verbs` and `queue` need no
web framework, and are what `python -m search.studies` works with where there is no server.
"""
