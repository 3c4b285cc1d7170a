"""A study under way: runner, workers, packs, and what a user sees meanwhile."""
