"""A study for other tools: an Optuna study, MLflow runs, TensorBoard's curves, CSV files."""
