"""The starter checkpoint: its data recipe, training, evaluation and weights."""
