"""Lists for other programs: RSS, Atom and JSON Feed, and posts as oEmbed."""
