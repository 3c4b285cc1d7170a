"""The learning-rate range test's part of a report."""
