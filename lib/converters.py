"""Parts of addresses."""


class UsernameConverter:
    """What Django lets a username be."""

    regex = r"[\w.@+-]{1,150}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
