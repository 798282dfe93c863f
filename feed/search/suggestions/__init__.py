"""What a search may become: suggestions while it is typed, and guesses for mistyped words."""
