"""The one way a service says no; HTML views show it beside what was typed, the API turns it into its own form."""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise


class Refused(Exception):
    """A request that cannot be done, with a sentence for the member that says what to do instead.

    ``fields`` maps a form or API field to its own messages; ``status`` is the HTTP status that fits.
    """

    def __init__(
        self,
        code: str,
        message: str | Promise,
        *,
        status: int = 400,
        fields: Mapping[str, Sequence[str | Promise]] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self._message = message
        self._fields = fields

    @property
    def message(self) -> str:
        """In the language of whoever reads it."""
        return str(self._message)

    @property
    def fields(self) -> dict[str, list[str]]:
        return {name: [str(line) for line in lines] for name, lines in (self._fields or {}).items()}

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotFound(Refused):
    """There is nothing there for this member: absent and forbidden look alike."""

    def __init__(self, message: str | Promise) -> None:
        super().__init__("not_found", message, status=404)
