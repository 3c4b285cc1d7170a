"""The search from coarse to fine, over any axes: settings, plans, outline and sentences."""
