"""The public benchmark: prompts that are frozen, pictures that checkpoints make of them, and who is preferred."""
