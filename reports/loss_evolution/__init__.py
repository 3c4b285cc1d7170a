"""The loss evolution's part of a report."""
