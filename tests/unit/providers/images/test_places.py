"""Where a URL leads, or why nobody goes there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.images.places import NotFetched, Place, place_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://example.com/a.png", Place("https", "example.com", 443, "/a.png")),
        ("http://EXAMPLE.com", Place("http", "example.com", 80, "/")),
        ("https://example.com:443/a?b=c&d=%20#e", Place("https", "example.com", 443, "/a?b=c&d=%20")),
        ("http://example.com.:80/", Place("http", "example.com", 80, "/")),
        ("http://example.com:8080/", Place("http", "example.com", 8080, "/")),
        ("https://b\u00fccher.example/\u00fc.png", Place("https", "xn--bcher-kva.example", 443, "/%C3%BC.png")),
        ("http://8.8.8.8/x", Place("http", "8.8.8.8", 80, "/x")),
        ("http://[2606:4700::1]/x", Place("http", "2606:4700::1", 80, "/x")),
        # What stands for another host by the rules of names is that host from here on, and resolved as such.
        ("http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/", Place("http", "127.0.0.1", 80, "/")),
        ("http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/", Place("http", "localhost", 80, "/")),
        ("http://127\u30020\u30020\u30021/", Place("http", "127.0.0.1", 80, "/")),
    ],
)
def test_a_url_becomes_a_place(url: str, place: Place) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.com/a", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("gopher://127.0.0.1:6379/_x", "neither http nor https"),
        ("http://user:secret@example.com/", "credentials"),
        ("http://example.com@127.0.0.1/", "credentials"),
        ("http://@example.com/", "credentials"),
        ("http://example.com\\@127.0.0.1/", "backslashes"),
        ("http://127.0.0.1\t.example.com/", "control characters"),
        ("http://exa mple.com/", "blanks"),
        ("http://example.com/\r\nHost: x", "control characters"),
        ("http:///a", "no valid name"),
        ("http://exa..mple/", "no valid name"),
        ("http://-/", "no valid name"),
        ("http://ex%61mple.com/", "no valid name"),
        ("http://\u2028.com/", "no valid name"),
        ("http://2130706433/", "unusual form"),
        ("http://0x7f000001/", "unusual form"),
        ("http://0x7f.0.0.1/", "unusual form"),
        ("http://0177.0.0.1/", "unusual form"),
        ("http://017700000001/", "unusual form"),
        ("http://127.1/", "unusual form"),
        ("http://127.0.0.1.1/", "unusual form"),
        ("http://example.0x1/", "unusual form"),
        ("http://127.0.0.01./", "unusual form"),
        ("http://[fe80::1%25eth0]/", "one network interface"),
        ("http://[::g]/", "valid"),
        ("http://[::1/", "not valid"),
        ("http://[v1.localhost]/", "no valid address"),
        ("http://[::1]x/", "no valid address"),
        ("http://x[::1]/", "no valid address"),
        ("http://[127.0.0.1]/", "valid"),
        ("http://[::1]:80:80/", "not valid"),
        ("http://example.com:8_0/", "not valid"),
        ("http://example.com/\ud800", "control characters"),
        ("http://example\udfff.com/", "control characters"),
        ("http://" + "\u00e9" * 4000 + "/", "no valid name"),
        ("http://" + "a." * 200 + "/", "no valid name"),
        ("http://example.com:99999/", "not valid"),
        ("http://example.com/" + "a" * 5000, "too long"),
    ],
)
def test_a_url_that_plays_games_leads_nowhere(url: str, why: str) -> None:
    with pytest.raises(NotFetched, match=why):
        place_of(url)


LETTERS = st.text(st.characters(codec=None))  # halves of letters as well, which JSON may hold


@given(st.one_of(*(LETTERS.map(form.format) for form in ("{}", "http://{}", "https://[{}]/", "http://h/{}", "http://h:{}/"))))
def test_no_text_is_worse_than_refused(url: str) -> None:
    try:
        place = place_of(url)
    except NotFetched:
        return
    assert place.host.isascii()
    assert place.path.startswith("/")
    assert place.path.isascii()
    assert not set(place.path) & set(" \r\n")
