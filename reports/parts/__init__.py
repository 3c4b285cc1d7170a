"""What sections are made of: text, frames, tables, settings, environment."""
