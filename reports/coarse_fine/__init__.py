"""The search's part of a report, over any axes."""
