"""Without a file: the environment decides, echo always answers; and which file is read where there is one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.inputs import Inputs, find_config
from gateway.config.load import Loaded, examine, load
from gateway.config.offers import OFFERS
from gateway.config.problems import headline


def zero(**environ: str) -> Loaded:
    return zero_at(None, environ)


def zero_at(port: int | None, environ: Mapping[str, str]) -> Loaded:
    return load(Inputs(None, environ, port=port))


def answers(loaded: Loaded, name: str) -> tuple[str, str] | None:
    """Which provider answers to a name, and what it is asked for."""
    model = loaded.snapshot.catalog.find(name)
    return (model.targets[0].provider, model.targets[0].named(name)) if model else None


def test_with_nothing_at_all_echo_answers_on_loopback() -> None:
    loaded = zero()
    assert [answers(loaded, name) for name in ("echo", "echo-slow", "gpt-5")] == [("echo", "echo"), ("echo", "echo-slow"), None]
    assert list(loaded.snapshot.providers) == ["echo"]
    assert loaded.listen == ("127.0.0.1", 8080)
    assert (loaded.snapshot.keys, dict(loaded.found), loaded.unserved) == ({}, {}, ())


def test_a_key_makes_openai_answer_every_other_name() -> None:
    loaded = zero(OPENAI_API_KEY="sk-x")
    spec = loaded.snapshot.providers["openai"]
    assert (spec.base_url, spec.api_keys, spec.key_needed) == ("https://api.openai.com/v1", ("sk-x",), True)
    assert answers(loaded, "gpt-5") == ("openai", "gpt-5")
    assert answers(loaded, "openai/gpt-5") == ("openai", "gpt-5")
    assert answers(loaded, "echo") == ("echo", "echo")
    assert dict(loaded.found) == {"openai": "OPENAI_API_KEY"}


def test_a_base_url_needs_no_key() -> None:
    loaded = zero(OPENAI_BASE_URL="http://127.0.0.1:9100/v1/")
    spec = loaded.snapshot.providers["openai"]
    assert (spec.base_url, spec.api_keys, spec.key_needed, spec.variable) == (
        "http://127.0.0.1:9100/v1",
        (),
        False,
        "OPENAI_API_KEY",
    )
    assert dict(loaded.found) == {"openai": "OPENAI_BASE_URL"}


def test_a_server_of_ones_own_is_asked_for_whole_names() -> None:
    loaded = zero(OPENAI_BASE_URL="http://127.0.0.1:9100/v1")
    assert answers(loaded, "openai/gpt-oss-20b") == ("openai", "openai/gpt-oss-20b")


def test_both_go_together() -> None:
    spec = zero(OPENAI_BASE_URL="http://127.0.0.1:9100/v1", OPENAI_API_KEY="x").snapshot.providers["openai"]
    assert (spec.base_url, spec.api_keys) == ("http://127.0.0.1:9100/v1", ("x",))


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8080/v1", "http://localhost:8080", "http://[::1]:8080/v1", "http://0.0.0.0:8080"),
        *(
            "http://127.1:8080",
            "http://0:8080/v1",
            "http://0x7f000001:8080",
            "http://LOCALHOST.:8080",
            " http://127.0.0.9:8080 ",
        ),
        *("http://[::ffff:127.0.0.1]:8080/v1", "http://[::]:8080", "http://app.localhost:8080/v1"),
    ],
)
@pytest.mark.parametrize(
    ("key", "variable", "name"),
    [
        ("OPENAI_API_KEY", "OPENAI_BASE_URL", "openai"),
        ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "anthropic"),
        ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "google"),
        ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "azure"),
    ],
)
def test_the_gateway_s_own_address_is_not_taken_for_a_provider(url: str, key: str, variable: str, name: str) -> None:
    loaded = zero(**{variable: url, key: "any"})
    assert list(loaded.snapshot.providers) == ["echo"]
    assert loaded.unserved == (f"{variable} leads to this gateway itself and is not used",)
    assert name in zero_at(8081, {variable: url, key: "any"}).snapshot.providers


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"])
def test_a_base_url_that_is_none_is_an_error_without_a_file(variable: str) -> None:
    (problem,) = examine(Inputs(None, {variable: "localhost"})).problems
    assert headline(problem).startswith("environment: set it to a URL such as https://api.openai.com/v1, or unset it")


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://u:p@h/v1", "without user and password"),
        ("http://h h/v1", "a URL such as"),
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", "api-version is version"),
        ("http://[", "a URL such as"),
        ("http://h:99999", "a URL such as"),
    ],
)
@pytest.mark.parametrize(
    "variable", ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "AZURE_OPENAI_ENDPOINT"]
)
def test_no_address_of_the_environment_is_worse_than_an_error(variable: str, url: str, wanted: str) -> None:
    (problem,) = examine(Inputs(None, {variable: url})).errors
    assert headline(problem).startswith("environment: set it to ")
    assert wanted in problem.hint
    assert variable in problem.message
    assert "u:p" not in headline(problem)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"OPENAI_API_KEY": "a\nb"}, "OPENAI_API_KEY: the key cannot be sent in a header"),
        ({"GOOGLE_API_KEY": "a\nb"}, "GOOGLE_API_KEY: the key cannot be sent in a header"),
        ({"AWS_BEARER_TOKEN_BEDROCK": "a", "AWS_REGION": "us east"}, "AWS_REGION: 'us east' is no location"),
        (
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "http://h", "OPENAI_API_VERSION": "a b"},
            "OPENAI_API_VERSION: 'a b' is no version",
        ),
    ],
)
def test_what_is_wrong_in_the_environment_names_its_variable(environ: dict[str, str], told: str) -> None:
    assert [one.message for one in examine(Inputs(None, environ)).errors] == [told]


ENVIRONMENT: Mapping[str, Sequence[str]] = {
    **{name: ("", " ", "k1") for offer in OFFERS for name in offer.keys},
    **{
        offer.url: ("", "http://127.0.0.1:8080/v1", "http://localhost:8080", "https://server.test/v1", "http://127.0.0.1:9/v1")
        for offer in OFFERS
        if offer.url
    },
    "OPENAI_API_VERSION": ("", "2024-10-21", "preview"),
    "AWS_REGION": ("", "us-east-1"),
    "AWS_DEFAULT_REGION": ("", "eu-west-1"),
}


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in ENVIRONMENT.items()}))
def test_every_combination_of_the_variables_makes_a_gateway_that_is_not_its_own_provider(environ: dict[str, str]) -> None:
    examined = examine(Inputs(None, environ))
    assert examined.loaded is not None
    snapshot = examined.loaded.snapshot
    assert answers(examined.loaded, "echo") == ("echo", "echo")
    assert set(examined.loaded.found) == snapshot.providers.keys() - {"echo"}
    for name, spec in snapshot.providers.items():
        assert not examined.loaded.listen.is_at(spec.base_url)
        assert name == "echo" or environ[examined.loaded.found[name]].strip()
        asked = answers(examined.loaded, f"{name}/some/model")
        own_server = name == "openai" and spec.base_url != "https://api.openai.com/v1"
        assert name == "echo" or asked == (name, f"{name}/some/model" if own_server else "some/model")
    for variable, offer in ((one.keys[0], one) for one in OFFERS if not one.url and one.wire == "openai"):
        assert (offer.name in snapshot.providers) == bool(environ.get(variable, "").strip())
    known = answers(examined.loaded, "gpt-5")
    assert known == (("openai", "gpt-5") if "openai" in snapshot.providers else None)


# ---------------------------------------------------------------- the other vendors


def test_each_vendor_s_names_go_to_it_and_the_rest_to_openai() -> None:
    loaded = zero(OPENAI_API_KEY="o", ANTHROPIC_API_KEY="a", GEMINI_API_KEY="g", GROQ_API_KEY="q")
    asked = ["gpt-5", "claude-opus-5", "gemini-3-pro", "groq/openai/gpt-oss-120b", "anthropic/claude-opus-5", "google/gemini-3"]
    assert [answers(loaded, name) for name in asked] == [
        ("openai", "gpt-5"),
        ("anthropic", "claude-opus-5"),
        ("google", "gemini-3-pro"),
        ("groq", "openai/gpt-oss-120b"),
        ("anthropic", "claude-opus-5"),
        ("google", "gemini-3"),
    ]


def test_without_openai_unknown_names_stay_unknown() -> None:
    loaded = zero(ANTHROPIC_API_KEY="a")
    assert answers(loaded, "gpt-5") is None
    assert answers(loaded, "claude-opus-5") == ("anthropic", "claude-opus-5")


@pytest.mark.parametrize(
    ("variable", "name", "wire", "base_url"),
    [
        ("ANTHROPIC_API_KEY", "anthropic", "anthropic", "https://api.anthropic.com"),
        ("GEMINI_API_KEY", "google", "google", "https://generativelanguage.googleapis.com/v1beta"),
        ("GOOGLE_API_KEY", "google", "google", "https://generativelanguage.googleapis.com/v1beta"),
        ("GROQ_API_KEY", "groq", "openai", "https://api.groq.com/openai/v1"),
        ("MISTRAL_API_KEY", "mistral", "openai", "https://api.mistral.ai/v1"),
        ("DEEPSEEK_API_KEY", "deepseek", "openai", "https://api.deepseek.com"),
        ("TOGETHER_API_KEY", "together", "openai", "https://api.together.xyz/v1"),
        ("FIREWORKS_API_KEY", "fireworks", "openai", "https://api.fireworks.ai/inference/v1"),
        ("OPENROUTER_API_KEY", "openrouter", "openai", "https://openrouter.ai/api/v1"),
        ("XAI_API_KEY", "xai", "openai", "https://api.x.ai/v1"),
    ],
)
def test_a_usual_variable_makes_its_provider(variable: str, name: str, wire: str, base_url: str) -> None:
    loaded = zero(**{variable: "k1"})
    spec = loaded.snapshot.providers[name]
    assert (spec.wire, spec.base_url, spec.api_keys, spec.key_needed) == (wire, base_url, ("k1",), True)
    assert dict(loaded.found) == {name: variable}
    assert answers(loaded, f"{name}/some/model") == (name, "some/model")


def test_geminis_own_variable_comes_before_google_s() -> None:
    loaded = zero(GEMINI_API_KEY="one", GOOGLE_API_KEY="two")
    assert loaded.snapshot.providers["google"].api_keys == ("one",)
    assert dict(loaded.found) == {"google": "GEMINI_API_KEY"}


def test_anthropic_s_base_url_alone_is_a_server_that_asks_for_no_key() -> None:
    spec = zero(ANTHROPIC_BASE_URL="http://127.0.0.1:9200").snapshot.providers["anthropic"]
    assert (spec.base_url, spec.api_keys, spec.key_needed) == ("http://127.0.0.1:9200", (), False)


def test_azure_takes_a_key_an_endpoint_and_perhaps_a_version() -> None:
    both = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/"}
    spec = zero(**both).snapshot.providers["azure"]
    assert (spec.wire, spec.base_url, spec.api_keys, spec.version) == ("azure", "https://r.openai.azure.com", ("k",), "")
    assert zero(**both, OPENAI_API_VERSION="2024-10-21").snapshot.providers["azure"].version == "2024-10-21"
    lone = zero(AZURE_OPENAI_API_KEY="k")
    assert lone.unserved == ("AZURE_OPENAI_API_KEY found: set AZURE_OPENAI_ENDPOINT as well",)
    assert list(lone.snapshot.providers) == ["echo"]


def test_bedrock_takes_a_bearer_key_or_access_keys_and_a_region() -> None:
    spec = zero(AWS_BEARER_TOKEN_BEDROCK="b", AWS_ACCESS_KEY_ID="a", AWS_REGION="eu-west-1").snapshot.providers["bedrock"]
    assert (spec.wire, spec.api_keys, spec.location) == ("bedrock", ("b",), "eu-west-1")
    assert spec.base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    signed = zero(AWS_ACCESS_KEY_ID="a", AWS_DEFAULT_REGION="us-east-1")
    assert (signed.snapshot.providers["bedrock"].api_keys, signed.snapshot.providers["bedrock"].location) == ((), "us-east-1")
    assert dict(signed.found) == {"bedrock": "AWS_ACCESS_KEY_ID"}
    assert zero(AWS_ACCESS_KEY_ID="a").unserved == ("AWS_ACCESS_KEY_ID found: set AWS_REGION as well",)


def test_empty_variables_count_as_absent() -> None:
    assert list(zero(OPENAI_API_KEY="", OPENAI_BASE_URL="", ANTHROPIC_API_KEY="").snapshot.providers) == ["echo"]


def test_without_a_file_nothing_wider_than_loopback_is_listened_on() -> None:
    examined = examine(Inputs(None, {}, host="0.0.0.0"))
    assert examined.loaded is None
    assert [one.rule for one in examined.errors] == ["exposed"]


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY"])
def test_secrets_of_the_environment_are_in_no_text(variable: str) -> None:
    assert "sk-x" not in repr(zero(**{variable: "sk-x"}))


# ---------------------------------------------------------------- which file


def test_the_command_line_comes_before_the_variable_before_the_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    named = {"FLEETGATE_CONFIG": "/else/where.yaml"}
    assert find_config(Path("x.yaml"), named, tmp_path) == Path("x.yaml")
    assert find_config(None, named, tmp_path) == Path("/else/where.yaml")
    assert find_config(None, {"FLEETGATE_CONFIG": ""}, tmp_path) == tmp_path / "config.yaml"


def test_a_folder_without_a_file_is_zero_config(tmp_path: Path) -> None:
    assert find_config(None, {}, tmp_path) is None
    (tmp_path / "config.yaml").mkdir()
    assert find_config(None, {}, tmp_path) is None
