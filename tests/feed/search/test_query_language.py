"""The query language: what each part means, and a sentence for each mistake."""

import pytest

from feed.search.query_language import Filter, Word, parse
from lib.errors import Refused


def test_a_query_is_words_phrases_exclusions_and_operators() -> None:
    query = parse('red "golden hour" -neon by:@Alice -tag:#Sea seed:007 before:2026-11 16:9')
    assert query.words == (
        Word("red"), Word("golden hour", is_phrase=True), Word("neon", is_excluded=True), Word("16:9"),
    )  # fmt: skip
    assert query.filters == (
        Filter("by", "Alice"), Filter("tag", "sea", is_excluded=True), Filter("seed", "7"),
        Filter("before", "2026-11-01"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("by:", "by:alice"), ("by: alice", "by:alice"), ("seed:x", "whole number"),
        ("seed:99999999999999999999", "whole"),
        ("before:2026-13", "2026-11-22"), ("before:yesterday", "2026-11-22"), ("like:short", "twelve characters"),
        ("looks:xyz", "PDQ"), ("checkpoint:a/b", "checkpoint:starter"), ("style:", "style:watercolour"),
        ("tag:!!", "tag:landscape"), ('"open', "quotation mark"), ("seed:1 seed:2", "once"), ("-seed:1", "excluded"),
        ("like:abcdefghijkl looks:abcdefghijkl", "not both"), ("order:old", "order:new"),
        ("like:abcdefghijkl order:new", "combined"), ("x" * 301, "300"), ("a1 " * 25, "24"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_in_a_sentence_that_says_what_it_takes(text: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert says in " ".join(refused.value.fields["q"])
    assert refused.value.status == 400
