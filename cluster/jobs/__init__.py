"""A command as a Ray job: submitted, followed, and its folder brought back."""
