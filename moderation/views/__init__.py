"""Pages of moderation: for members who report and appeal, for moderators, and for everybody who wants to know."""
