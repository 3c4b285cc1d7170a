"""The λ search: settings, plan, outline and sentences."""
