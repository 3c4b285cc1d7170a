"""A trial becomes records: its data, its task, its checkpoints, its memory."""
