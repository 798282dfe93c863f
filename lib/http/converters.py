"""Parts of addresses: what stands for an id, a username or a day. Import it where an URLconf names one of them.

``path("p/<public_id:public_id>/", …)``; viewsets take the same patterns as their ``lookup_value_regex``.
"""

from django.urls import register_converter

PUBLIC_ID = "[A-Za-z0-9_-]{12}"
USERNAME = r"[\w.@+-]{1,150}"  # what Django lets one be
SLUG = "[A-Za-z0-9_-]{1,64}"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
NUMBER = "[0-9]{1,18}"  # fits a bigint


class _Text:
    """A part that stays the text it is."""

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return str(value)


class PublicIdConverter(_Text):
    regex = PUBLIC_ID


class UsernameConverter(_Text):
    regex = USERNAME


class DayConverter(_Text):
    """YYYY-MM-DD, which may be no date."""

    regex = DAY


class WordConverter(_Text):
    """A name of ours, such as `rss` or `feed.post`."""

    regex = "[A-Za-z_.]{1,64}"


class SecretConverter(_Text):
    """What a link carries that is a key itself: random, or signed."""

    regex = "[A-Za-z0-9_.:=-]{1,500}"


class NumberConverter(_Text):
    """A primary key where one is shown."""

    regex = NUMBER

    def to_python(self, value: str) -> int:  # type: ignore[override]
        return int(value)


register_converter(PublicIdConverter, "public_id")
register_converter(UsernameConverter, "username")
register_converter(DayConverter, "day")
register_converter(WordConverter, "word")
register_converter(SecretConverter, "secret")
register_converter(NumberConverter, "number")
