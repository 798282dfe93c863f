"""Search by words, by meaning and by picture. Every result passes the filter of all lists."""
