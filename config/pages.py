"""How a list of the API is cut into pages."""

from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """What a list does unless its view says otherwise: newest first, in pages that neither repeat nor skip."""

    ordering = "-pk"
    page_size = 30
