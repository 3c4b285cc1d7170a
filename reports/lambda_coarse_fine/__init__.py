"""The λ search's part of a report."""
