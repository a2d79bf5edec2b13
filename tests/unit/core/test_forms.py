"""Forms, where they say what they say, and forms that two readers could read differently."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import forms
from gateway.core.errors import InvalidValue

TYPE = b'multipart/form-data; boundary="b0und"'


def form(*parts: tuple[str, bytes]) -> bytes:
    pieces = [
        b"--b0und\r\ncontent-disposition: form-data; " + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts
    ]
    return b"".join((*pieces, b"--b0und--\r\n"))


def test_fields_in_any_order_and_files_among_them() -> None:
    text = form(('name="file"; filename="a.mp3"', b"\r\n--b0un\x00\xff\r\n"), ("name=model", b"ear"), ('name="x"', b""))
    found = forms.fields(text, TYPE)
    assert [(one.name, text[one.start : one.end], one.file) for one in found] == [
        ("file", b"\r\n--b0un\x00\xff\r\n", True),
        ("model", b"ear", False),
        ("x", b"", False),
    ]
    assert forms.value(text, found, "model") == "ear"
    assert forms.value(text, found, "nothing") is None


def test_only_what_changes_is_another() -> None:
    text = form(('name="file"; filename="ear"', b"ear"), ('name="model"', b"ear"), ('name="binary"', b"\xff"))
    found = forms.fields(text, TYPE)
    changed = forms.changed(text, found, lambda name, value: "whisper-1" if name == "model" else value)
    assert changed == form(('name="file"; filename="ear"', b"ear"), ('name="model"', b"whisper-1"), ('name="binary"', b"\xff"))
    assert forms.changed(text, found, lambda _, value: value) is text


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "model"]), st.binary(max_size=40)), max_size=5))
def test_what_is_written_is_read(parts: list[tuple[str, bytes]]) -> None:
    text = form(*((f'name="{name}"', body) for name, body in parts))
    if any(b"--b0und" in body for _, body in parts):
        return
    assert [(one.name, text[one.start : one.end]) for one in forms.fields(text, TYPE)] == parts


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_refused(noise: bytes) -> None:
    for text in (noise, b"--b0und\r\n" + noise, form(('name="a"', noise))[:-5] + noise):
        with suppress(InvalidValue):
            forms.fields(text, TYPE)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"words",
        b"--b0und",
        b"--b0und\r\n",
        b"--b0und\r\n\r\nno name\r\n--b0und--\r\n",
        b"--b0und\n" + b'content-disposition: form-data; name="a"\n\nx\n--b0und--\n',
        form(('name="a"', b"x\n--b0und\nwhat another reader takes for a part\n")),
        form(('name="a\\"b"', b"x")),
        form(('filename="x"', b"x")),
        form(('name="a"; name="model"', b"x")),
        form(('name="a"\r\ncontent-disposition: form-data; name="b"', b"x")),
        form(('name="a"\r\ncontent-transfer-encoding: base64', b"eA==")),
        form(('name="a"', b"x"))[:-12],
        form(('name="a"', b"x"))[:-2] + b"y",
        form(('name="a"', b"x"))[:-2] + b"\ny",
        form(('name="a"\r\nx-a: b\nContent-Disposition: form-data; name="model"', b"x")),
        form(('name="a"\r\nx-a: b\rContent-Disposition: form-data; name="model"', b"x")),
        form(('name="a"\r\n ; name="model"', b"x")),
        form(('name="a"\r\nno header at all', b"x")),
        form(('name="file_id"; filename=""', b"x")),
        form(("name=file_id; filename*=UTF-8''", b"x")),
        form(('name="a"\r\ncontent-type: multipart/mixed; boundary=y', b"--y--")),
        form(('name="a"\r\ncontent-type: text/plain; charset=utf-7', b"x")),
        b"".join([b'--b0und\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n'] * 1001) + b"--b0und--\r\n",
    ],
)
def test_a_form_that_could_be_read_in_two_ways_or_in_none(text: bytes) -> None:
    with pytest.raises(InvalidValue):
        forms.fields(text, TYPE)


def test_a_field_that_decides_may_stand_once() -> None:
    for text in (form(("name=model", b"a"), ("name=model", b"b")), form(('name=model; filename="x"', b"a"))):
        with pytest.raises(InvalidValue, match="model"):
            forms.value(text, forms.fields(text, TYPE), "model")


def test_parts_as_clients_write_them() -> None:
    text = form(
        ('name="image[]"; filename="a;b.png"\r\nContent-Type: image/png', b"x"),
        ('name="f"; filename="a.txt"; filename*=UTF-8\'\'a.txt\r\nContent-Type: text/plain; charset=utf-16', b"x"),
        ('name="model"\r\ncontent-type: text/plain; charset=UTF-8\r\ncontent-length: 1', b"x"),
    )
    assert [(one.name, one.file) for one in forms.fields(text, TYPE)] == [("image[]", True), ("f", True), ("model", False)]


@pytest.mark.parametrize(
    "said",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/mixed; boundary=x",
        b'multipart/form-data; boundary="a\\"b"',
        b"multipart/form-data; boundary=\xe9",
    ],
)
def test_a_form_without_a_boundary(said: bytes) -> None:
    with pytest.raises(InvalidValue):
        forms.fields(form(), said)


@pytest.mark.parametrize(
    "said", [b"multipart/form-data;boundary=b0und", b"Multipart/Form-Data; charset=utf-8; boundary=b0und; x=y"]
)
def test_boundaries_as_clients_say_them(said: bytes) -> None:
    assert forms.fields(form(("name=a", b"x")), said)[0].name == "a"


@pytest.mark.parametrize(
    "said", [b"multipart/form-data; boundary=b0und; boundary=x", b'multipart/form-data; x="; boundary=x"; boundary=b0und']
)
def test_what_is_said_of_the_form_is_said_in_one_way(said: bytes) -> None:
    assert forms.content_type(said) in (b"multipart/form-data; boundary=b0und", b"multipart/form-data; boundary=x")


def test_a_boundary_that_needs_quotes() -> None:
    assert forms.content_type(b'multipart/form-data; boundary="a:b=c"') == b'multipart/form-data; boundary="a:b=c"'


@pytest.mark.parametrize("name", ["Model", "MODEL", " model", "model[]"])
def test_a_name_that_another_reader_takes_for_the_one_that_decides(name: str) -> None:
    text = form(("name=model", b"a"), (f'name="{name}"', b"b"))
    with pytest.raises(InvalidValue, match="model"):
        forms.value(text, forms.fields(text, TYPE), "model")
