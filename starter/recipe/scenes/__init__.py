"""What the pictures show: words, artwork, light and landscape, composed to scenes with captions and labels."""
