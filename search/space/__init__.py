"""Where to look next: pure functions of values tried, such as narrowing and widening."""
