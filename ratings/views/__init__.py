"""The pages of ratings: one question, two pictures, and what the team reads from the answers."""
