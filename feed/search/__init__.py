"""Search: by words, by meaning and by picture, always through the one filter of every list."""
