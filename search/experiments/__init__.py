"""The experiments: the settings, the plan and the sentences of each."""
