"""Fetching from real sockets: what is an image arrives, and nothing leads to where it should not."""

import asyncio
import contextlib
import gzip
import ssl
import threading
from collections.abc import Mapping

import pytest
import trustme

from gateway.core.errors import UpstreamTimeout
from gateway.providers.images import fetching
from gateway.providers.images.fetching import OUT_OF_REACH, Fetcher, Rules, SystemResolver
from gateway.providers.images.places import NotFetched
from gateway.providers.images.spots import Image
from gateway.providers.transport.http1.client import Http1Transport
from tests.unit.providers.images.servers import HOME, PNG, Names, answer, moved, rules, serving

TLS = ssl.create_default_context()


def url(port: int, path: str = "/a.png", host: str = "images.test") -> str:
    return f"http://{host}:{port}{path}"


def names(**more: list[list[str]]) -> Names:
    return Names(**({"images_test": [[HOME]]} | more))


async def refused(target: str, given: Rules) -> str:
    with pytest.raises(NotFetched) as caught:
        await Fetcher(given, TLS).fetch(target)
    return str(caught.value)


async def fetched(answers: Mapping[str, bytes | None], path: str = "/a.png") -> Image:
    async with serving(answers) as server:
        return await Fetcher(rules(names()), TLS).fetch(url(server.port, path))


async def why_not(told: bytes | None, within_s: float = 5.0) -> str:
    async with serving({"/a.png": told}) as server:
        return await refused(url(server.port), rules(names(), within_s))


async def test_an_image_arrives() -> None:
    assert await fetched({"/a.png": answer()}) == Image("image/png", PNG)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0" + b"\x00" * 20, "image/jpeg"),
        (b"GIF89a" + b"\x00" * 20, "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x1cftypavif", "image/avif"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
    ],
)
async def test_the_kind_is_what_the_bytes_say(data: bytes, kind: str) -> None:
    assert await fetched({"/a.png": answer(data, content_type="image/png")}) == Image(kind, data)


async def test_the_host_is_asked_by_its_name_with_its_query() -> None:
    async with serving({"/a.png?x=1": answer()}) as server:
        await Fetcher(rules(names()), TLS).fetch(url(server.port, "/a.png?x=1#y"))
    assert (server.asked, server.hosts) == (["/a.png?x=1"], [f"images.test:{server.port}"])


# ---------------------------------------------------------------- where it may not lead


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://localhost./",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fd00:ec2::254]/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    ],
)
async def test_by_its_own_rules_it_reaches_nothing_private(target: str) -> None:
    assert await refused(target, Rules()) == OUT_OF_REACH


@pytest.mark.parametrize(
    "place", ["http://8.8.8.8:22", "http://8.8.8.8:6379", "http://8.8.8.8:8080", "https://8.8.8.8:8443", "http://8.8.8.8:0"]
)
async def test_only_the_web_s_ports_are_asked(place: str) -> None:
    assert "not the web's" in await refused(f"{place}/", Rules())


@pytest.mark.parametrize("place", ["http://8.8.8.8:443", "https://8.8.8.8:80"])
async def test_each_scheme_has_its_own_port(place: str) -> None:
    assert "not the web's" in await refused(f"{place}/", Rules())


@pytest.mark.parametrize(
    "addresses", [["10.0.0.5"], [HOME, "10.0.0.5"], ["169.254.169.254", HOME], ["::1", HOME], ["64:ff9b::7f00:1"]]
)
async def test_one_private_address_of_a_host_is_enough_to_stay_away(addresses: list[str]) -> None:
    async with serving({"/a.png": answer()}) as server:
        assert "public internet" in await refused(url(server.port), rules(names(images_test=[addresses])))
    assert server.asked == []


async def test_nobody_learns_from_the_words_what_there_is_inside() -> None:
    """A name that is unknown, one that is private, an address that is, and a port where nobody listens: all the same."""

    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    told = {
        await refused("http://nowhere.test/", Rules(resolver=unknown)),
        await refused("http://empty.test/", rules(Names(empty_test=[[]]))),
        await refused("http://intranet.test/", rules(Names(intranet_test=[["10.0.0.5"]]))),
        await refused("http://10.0.0.5/", Rules()),
        await refused("http://closed.test:9/", rules(Names(closed_test=[[HOME]]))),
        await refused(f"http://{'a' * 64}.test/", Rules()),
    }
    assert told == {OUT_OF_REACH}


async def test_a_port_that_a_wall_swallows_is_told_like_one_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def swallowed(*_: object) -> None:
        raise UpstreamTimeout("connect", 3.0)

    monkeypatch.setattr(Http1Transport, "send", swallowed)
    assert await refused("http://8.8.8.8/", Rules()) == OUT_OF_REACH


async def test_names_that_never_answer_take_no_thread_from_anybody_else() -> None:
    """The resolver's threads are its own: with all of them stuck, the loop's still work."""
    resolver = SystemResolver()
    free = threading.Event()
    stuck = [asyncio.get_running_loop().run_in_executor(resolver.threads, free.wait) for _ in range(50)]
    try:
        assert await asyncio.wait_for(asyncio.to_thread(lambda: 7), 2) == 7
        with pytest.raises(NotFetched, match="took longer"):
            await Fetcher(Rules(resolver=resolver, within_s=0.05), TLS).fetch("http://images.test/")
    finally:
        free.set()
        await asyncio.gather(*stuck)
    assert await resolver("127.0.0.1", 80) == ("127.0.0.1",)


async def test_a_name_that_changes_its_mind_is_resolved_only_once() -> None:
    """Rebinding: the first answer is harmless, the second is not; the connection goes to what was checked."""
    resolver = names(images_test=[[HOME], ["127.0.0.2"]])
    async with serving({"/a.png": answer()}) as server:
        image = await Fetcher(rules(resolver), TLS).fetch(url(server.port))
    assert image.data == PNG
    assert resolver.asked == ["images.test"]


async def test_a_name_that_turns_private_on_the_way_back_is_refused() -> None:
    resolver = names(images_test=[[HOME], ["169.254.169.254"]])
    async with serving({"/a.png": moved("/b.png"), "/b.png": answer()}) as server:
        assert "public internet" in await refused(url(server.port), rules(resolver))
    assert (server.asked, resolver.asked) == (["/a.png"], ["images.test"] * 2)


async def test_connections_go_to_the_checked_address_alone() -> None:
    """The system's own resolver knows no such name, so that a second resolution could not succeed."""
    async with serving({"/a.png": answer()}) as server:
        assert await Fetcher(rules(Names(never_invalid=[[HOME]])), TLS).fetch(url(server.port, host="never.invalid"))


# ---------------------------------------------------------------- redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirects_are_followed(status: str) -> None:
    assert (await fetched({"/a.png": moved("b.png", status), "/b.png": answer()})).data == PNG


async def test_three_redirects_are_enough() -> None:
    row = {f"/{at}": moved(f"/{at + 1}") for at in range(4)}
    assert (await fetched(row | {"/3": answer()}, "/0")).data == PNG
    with pytest.raises(NotFetched, match="more than 3 times"):
        await fetched(row | {"/4": answer()}, "/0")


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/iam/", "public internet"),
        ("http://[::ffff:169.254.169.254]/", "public internet"),
        ("http://metadata.test/", "public internet"),
        ("//10.0.0.1/", "public internet"),
        ("http://0x7f.1/", "unusual form"),
        ("file:///etc/passwd", "neither http nor https"),
        ("http://u:p@images.test/", "credentials"),
        ("http://images.test/\\evil", "backslashes"),
        ("http://[", "no URL"),
        ("http://[::1", "no URL"),
        ("http://images.test:99999999/", "not valid"),
        ("data:image/png;base64,AAAA", "neither http nor https"),
        ("javascript:1", "neither http nor https"),
        ("https://localhost/", "public internet"),
    ],
)
async def test_every_hop_is_checked_anew(location: str, why: str) -> None:
    resolver = names(metadata_test=[["169.254.169.254"]])
    async with serving({"/a.png": moved(location)}) as server:
        assert why in await refused(url(server.port), rules(resolver))
    assert server.asked == ["/a.png"]


async def test_a_redirect_to_nowhere_and_one_to_itself_end() -> None:
    assert "redirected to nowhere" in await why_not(answer(b"", "302 Found"))
    for location in ("#f", "?", "/a.png", "http:"):
        assert "redirected more than" in await why_not(moved(location))


async def test_a_redirect_s_letters_are_utf_8() -> None:
    location = b"HTTP/1.1 302 Found\r\nlocation: /\xc3\xbc.png\r\ncontent-length: 0\r\n\r\n"
    assert (await fetched({"/a.png": location, "/%C3%BC.png": answer()})).data == PNG


# ---------------------------------------------------------------- what is no image


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(b"", "404 Not Found"), "status 404"),
        (answer(b"", "204 No Content"), "status 204"),
        (answer(PNG, content_type="text/html"), "does not call it an image"),
        (answer(PNG, content_type=""), "does not call it an image"),
        (answer(b"<svg/>", content_type="image/svg+xml"), "is no PNG"),
        (answer(b"root:x:0:0:", content_type="image/png"), "is no PNG"),
        (answer(b"", content_type="image/png"), "is no PNG"),
        (answer(b"", "300 Multiple Choices", location="/b.png"), "status 300"),
        (answer(PNG, "206 Partial Content"), "status 206"),
        (answer(gzip.compress(bytes(30 << 20)), content_encoding="gzip"), "unpacks to more than 100 times"),
        (answer(PNG, content_encoding="gzip"), "not compressed as it says"),
        (answer(PNG, content_encoding="br"), "content encoding"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, "head of its server's answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 99\r\n\r\n" + PNG, "in the middle of its answer"),
        (b"not HTTP at all\r\n\r\n", "HTTP"),
        (b"", "closed the connection"),
    ],
)
async def test_what_is_no_image_is_refused(told: bytes, why: str) -> None:
    assert why in await why_not(told)


async def test_a_large_image_is_refused_by_its_header_and_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SIZE_LIMIT", 50)
    assert "larger than 50 bytes" in await why_not(answer(PNG))
    unsaid = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\nconnection: close\r\n\r\n" + PNG
    assert "larger than 50 bytes" in await why_not(unsaid)


async def test_no_words_of_a_refusal_speak_of_a_provider() -> None:
    for told in (b"", b"nonsense", answer(PNG, content_encoding="br"), answer(PNG, content_length="999")):
        assert "provider" not in (await why_not(told)).lower()


async def test_http_1_0_and_packed_images_arrive() -> None:
    old = b"HTTP/1.0 200 OK\r\ncontent-type: image/png\r\n\r\n" + PNG
    assert (await fetched({"/a.png": old})).data == PNG
    assert (await fetched({"/a.png": answer(gzip.compress(PNG), content_encoding="gzip")})).data == PNG


async def test_chunks_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SIZE_LIMIT", 500)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n"
    assert "larger than 500 bytes" in await why_not(head + b"1\r\nx\r\n" * 1000)


async def test_a_body_drop_by_drop_is_given_up() -> None:
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\nconnection: close\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.01)
        writer.close()
        gone.set()

    listening = await asyncio.start_server(drip, HOME, 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        assert await refused(url(port), rules(names(), 0.2)) == "it took longer than 0.2 s"
        await asyncio.wait_for(gone.wait(), 5)  # and its connection is closed


async def test_a_slow_server_is_given_up() -> None:
    assert await why_not(None, within_s=0.2) == "it took longer than 0.2 s"


async def test_a_slow_resolver_is_given_up() -> None:
    async def slow(host: str, port: int) -> list[str]:
        await asyncio.sleep(30)
        return []

    assert "took longer" in await refused("http://images.test/", Rules(resolver=slow, within_s=0.1))


async def test_an_address_that_refuses_is_not_the_end() -> None:
    async with serving({"/a.png": answer()}) as server:
        resolver = names(images_test=[["127.0.0.3", HOME]])
        given = rules(resolver, address=lambda one: one.startswith("127.0.0."))
        assert (await Fetcher(given, TLS).fetch(url(server.port))).data == PNG


# ---------------------------------------------------------------- TLS


async def test_certificates_are_verified_against_the_name() -> None:
    authority = trustme.CA()
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("images.test").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    resolver = names(other_test=[[HOME]])
    async with serving({"/a.png": answer()}, theirs) as server:
        right, wrong = (f"https://{host}:{server.port}/a.png" for host in ("images.test", "other.test"))
        assert (await Fetcher(rules(resolver), ours).fetch(right)).data == PNG
        with pytest.raises(NotFetched, match="certificate is not trusted"):
            await Fetcher(rules(resolver), ours).fetch(wrong)
        with pytest.raises(NotFetched, match="certificate is not trusted"):
            await Fetcher(rules(resolver), TLS).fetch(right)
    assert server.asked == ["/a.png"]
