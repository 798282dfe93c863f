"""The recipe of the next starter checkpoint: scenes of 128 pixels, from composition to model card."""
