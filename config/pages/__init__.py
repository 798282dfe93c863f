"""Pages that belong to no app: about and terms, what a browser installs, and the style guide."""
