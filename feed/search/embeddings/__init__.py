"""Embeddings: unit vectors of texts and of pictures, and the rows that keep them."""
