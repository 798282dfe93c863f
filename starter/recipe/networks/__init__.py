"""The networks of the starter checkpoint, and how each is trained."""
