"""The part of a report on the matrix of σ × batch normalisation."""
