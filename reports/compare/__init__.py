"""Two or more studies side by side: findings first, then a plot, tables and sentences."""
