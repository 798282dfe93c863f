"""Pictures that a researcher brings along: an archive is checked, kept, and imported one picture at a time."""
