"""A study's folder and its SQLite file: written, read, checked, salvaged."""
