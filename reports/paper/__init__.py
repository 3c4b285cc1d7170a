"""What the study of the whole reference report adds to its sections."""
