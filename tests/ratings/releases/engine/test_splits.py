"""Which split a prompt belongs to."""

from hypothesis import given
from hypothesis import strategies as st

from ratings.releases.engine import splits


@given(st.text(max_size=60), st.sampled_from([" ", "  ", "\n", "\t "]))
def test_prompts_that_read_alike_stand_in_one_split(prompt: str, space: str) -> None:
    assert splits.normalise_prompt(prompt) == splits.normalise_prompt(splits.normalise_prompt(prompt))
    assert splits.split_of("s" * 40, f"A {prompt}{space}CAT.") == splits.split_of("s" * 40, f"a {prompt} cat")


def test_about_a_tenth_of_the_prompts_validates_and_a_tenth_tests() -> None:
    found = [splits.split_of("salt" * 10, f"a cat number {n}") for n in range(4000)]
    assert 320 < found.count("validation") < 480
    assert 320 < found.count("test") < 480
