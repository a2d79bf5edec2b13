"""The script language."""

from pathlib import Path

import pytest

from gateway.providers.echo.script import NAMES, SETTINGS, Script, ScriptError, for_model, parse
from tests.unit.providers.echo.asking import ask, chat, echo, error

DOCS = Path(__file__).parents[4] / "docs" / "echo.md"


def test_every_setting_is_read_from_text() -> None:
    text = (
        "latency=200ms,delay=1.5s,chunk=3,words=500,tools=2,cached=7,usage=no,status=429,retry_after=2m,"
        "cut_after=5,error_after=6,hang_after=0,hang=yes,done=no,every=3"
    )
    assert for_model(f"echo:{text}") == Script(0.2, 1.5, 3, 500, 2, 7, False, 429, 120.0, 5, 6, 0, True, False, 3)
    assert {pair.partition("=")[0] for pair in text.split(",")} == set(SETTINGS)


def test_the_model_name_wins_over_the_configuration() -> None:
    base = parse((("latency", "1s"), ("chunk", "4")))
    assert for_model("echo:latency=0ms", base) == Script(latency_s=0.0, chunk=4)


def test_a_name_that_stands_for_settings_takes_more_of_them() -> None:
    assert for_model("echo-429:retry_after=1s,every=2") == Script(status=429, retry_after_s=1.0, every=2)


@pytest.mark.parametrize("name", NAMES)
def test_every_known_name_is_a_valid_script(name: str) -> None:
    assert for_model(name) == parse(NAMES[name])


@pytest.mark.parametrize("model", ["gpt-5-mini", "llama3:8b", "vendor/model:free", "echoes:latency=1s"])
def test_a_name_of_another_kind_behaves_like_echo(model: str) -> None:
    assert for_model(model) == Script()


def test_no_undoes_what_the_configuration_says() -> None:
    base = parse((("cut_after", "1"), ("words", "9"), ("status", "500")))
    assert for_model("echo:cut_after=no,words=no,status=200", base) == Script()


@pytest.mark.parametrize(
    ("text", "setting", "part"),
    [
        ("latncy=1s", "latncy", "Did you mean 'latency'?"),
        ("qqq=1", "qqq", "The settings are: latency, delay"),
        ("latency=fast", "latency", "such as 200ms"),
        ("latency=5", "latency", "such as 200ms"),
        ("latency=2h", "latency", "such as 200ms"),
        ("latency=61m", "latency", "such as 200ms"),
        ("latency=-1s", "latency", "such as 200ms"),
        ("latency=nans", "latency", "such as 200ms"),
        ("chunk=0", "chunk", "a whole number of words"),
        ("status=200ok", "status", "from 400 to 599"),
        ("status=302", "status", "from 400 to 599"),
        ("hang=true", "hang", "yes or no"),
        ("every=", "every", "a whole number"),
        ("hang", "hang", "name=value"),
    ],
)
async def test_a_setting_that_is_wrong_is_refused_with_what_would_be_right(text: str, setting: str, part: str) -> None:
    with pytest.raises(ScriptError) as caught:
        for_model(f"echo:{text}")
    assert caught.value.setting == setting
    assert part in str(caught.value)

    status, found = await error(chat(model=f"echo:{text}"))
    assert (status, found["type"], found["param"]) == (400, "invalid_request_error", "model")
    assert repr(setting) in found["message"]
    assert "The settings are: latency" in found["message"]


def test_a_wrong_script_in_the_configuration_is_found_when_the_transport_is_built() -> None:
    with pytest.raises(ScriptError, match="'wrods'"):
        echo(wrods="3")


async def test_the_script_of_the_configuration_is_obeyed() -> None:
    answer = await ask(chat(), transport=echo(words="3"))
    assert answer["choices"][0]["message"]["content"] == "echo fills this"


async def test_an_unknown_name_of_the_echo_family_is_not_found() -> None:
    status, found = await error(chat(model="echo-solw"))
    assert (status, found["code"]) == (404, "model_not_found")
    assert "echo-slow" in found["message"]


def test_every_setting_and_every_name_is_documented() -> None:
    text = DOCS.read_text()
    assert [name for name in (*SETTINGS, *NAMES) if f"`{name}`" not in text] == []
