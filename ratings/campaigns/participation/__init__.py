"""The pages on which a member takes part in a campaign."""
