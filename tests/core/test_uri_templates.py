"""Which resource templates a URI could come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.definitions.uri_templates import likeness, likest

TEXT = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(TEXT, min_size=1, max_size=6), st.data())
def test_every_expansion_of_a_template_is_recognised(parts: list[str], data: st.DataObject) -> None:
    template, uri = parts[0], parts[0]
    for part in parts[1:]:
        template += "{x}" + part
        uri += data.draw(TEXT) + part
    assert likeness(template, uri) is not None


@pytest.mark.parametrize(
    ("template", "uri"),
    [
        ("memo:{n}", "memo:1"),
        ("memo:{n}", "memo:"),
        ("memo:{n}", "MEMO:1"),
        ("file:///private/{+path}", "file:///privat%65/a/b"),
        ("docs://{a}/{b}", "docs://x/y/z"),
        ("docs://{a}/end", "docs:///end"),
        ("plain", "plain"),
        ("{+all}", ""),
    ],
)
def test_a_likely_expansion_is_recognised(template: str, uri: str) -> None:
    assert likeness(template, uri) is not None


@pytest.mark.parametrize(
    ("template", "uri"),
    [
        ("memo:{n}", "memos:1"),
        ("docs://{a}/end", "docs://end"),
        ("docs://{a}/x/{b}/y", "docs://1/y/2/x"),
        ("ab{x}ba", "aba"),
        ("plain", "plainer"),
        ("a{x}b{y}c", "acb"),
    ],
)
def test_another_uri_is_not(template: str, uri: str) -> None:
    assert likeness(template, uri) is None


def test_the_template_that_says_most_of_the_uri_counts_most() -> None:
    assert likest(["{+all}", "docs://{id}", "docs://{id}/parts/{n}"], "docs://1/parts/2") == len("docs:///parts/")
    assert likest(["memo:{n}"], "docs://1") == -1


@pytest.mark.attack("A22")
def test_a_template_made_to_explode_is_matched_part_by_part() -> None:
    """Each part is looked for once, behind the one before it: nothing is tried again."""
    template = "a{x}" * 1000 + "b"
    assert likeness(template, "a" * 8000) is None
    assert likeness(template, "a" * 8000 + "b") == 1001
