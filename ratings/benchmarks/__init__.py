"""Public benchmarks: frozen prompts, the pictures that checkpoints make of them, and which ones people prefer."""
