"""Reads the link to the next page out of a page."""

import re


def next_link(page: str) -> str:
    found = re.search(r'href="([^"]*cursor=[^"]*)"[^>]*data-load-more', page)
    assert found, page[-2000:]
    return found.group(1).replace("&amp;", "&")
