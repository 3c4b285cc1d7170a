"""What outcomes say: pure statistics, from scores to comparisons."""
