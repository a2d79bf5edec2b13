"""Providers of every wire: what each takes, where each is found, and what is wrong with one that cannot work."""

import json
from pathlib import Path

import pytest

from gateway.cli.screen import Facts, lines
from gateway.config import libraries
from gateway.config.problems import Severity, render_all
from gateway.config.report import as_json, as_sarif
from gateway.core.catalog import Model, ProviderSpec, Target, Timeouts
from tests.unit.config.folders import loaded, look, messages, only

MODELS = 'models: { "*": p/* }\n'


def provider(folder: Path, text: str, environ: dict[str, str] | None = None) -> ProviderSpec:
    return loaded(folder, f"providers: {{ p: {{ {text} }} }}\n{MODELS}", environ).snapshot.providers["p"]


def wrong(folder: Path, text: str, severity: Severity = Severity.ERROR) -> list[str]:
    return messages(look(folder, f"providers: {{ p: {{ {text} }} }}\n{MODELS}"), severity)


def service_account(name: str = "a") -> str:
    return json.dumps({"client_email": f"{name}@x.iam.gserviceaccount.com", "private_key": "-", "token_uri": "https://x"})


# ---------------------------------------------------------------- where it is


@pytest.mark.parametrize(
    ("text", "base_url", "key_needed"),
    [
        ("wire: openai", "https://api.openai.com/v1", True),
        ("vendor: groq", "https://api.groq.com/openai/v1", True),
        ("vendor: ollama", "http://127.0.0.1:11434/v1", False),
        ("vendor: vllm, base_url: 'http://gpu:8000/v1'", "http://gpu:8000/v1", False),
        ("base_url: 'https://api.mistral.ai/v1'", "https://api.mistral.ai/v1", True),
        ("base_url: 'http://local/v1'", "http://local/v1", False),
        ("wire: anthropic", "https://api.anthropic.com", True),
        ("wire: anthropic, base_url: 'http://local'", "http://local", False),
        ("wire: google", "https://generativelanguage.googleapis.com/v1beta", True),
        ("wire: vertex, project: x", "https://aiplatform.googleapis.com", False),
        ("wire: vertex, project: x, location: europe-west1", "https://europe-west1-aiplatform.googleapis.com", False),
        ("wire: bedrock, location: eu-west-1", "https://bedrock-runtime.eu-west-1.amazonaws.com", False),
        ("wire: azure, base_url: 'https://r.openai.azure.com'", "https://r.openai.azure.com", True),
    ],
)
def test_each_wire_and_vendor_has_its_place(tmp_path: Path, text: str, base_url: str, key_needed: bool) -> None:
    spec = provider(tmp_path, text)
    assert (spec.base_url, spec.key_needed) == (base_url, key_needed)


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_aws_region_may_come_from_its_usual_variable(tmp_path: Path, variable: str) -> None:
    assert provider(tmp_path, "wire: bedrock", {variable: "us-west-2"}).location == "us-west-2"
    assert provider(tmp_path, "wire: bedrock, location: eu-west-1", {variable: "us-west-2"}).location == "eu-west-1"


def test_the_new_settings_are_taken_over_whole(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(service_account())
    spec = provider(
        tmp_path,
        "wire: vertex, project: x, version: v, credentials_file: key.json, images: fetch, headers: { X-Team: '${TEAM}' }, "
        "timeouts: { first_token: 7s }",
        {"TEAM": "search"},
    )
    assert (spec.project, spec.location, spec.version) == ("x", "global", "v")
    assert spec.credentials_file == str(tmp_path / "key.json")
    assert spec.headers == (("X-Team", "search"),)
    assert spec.fetches_images is True
    assert spec.timeouts == Timeouts(first_token_s=7)
    assert provider(tmp_path, "wire: bedrock, location: eu-west-1, profile: work").profile == "work"


def test_without_them_nothing_is_assumed(tmp_path: Path) -> None:
    spec = provider(tmp_path, "base_url: 'http://local'")
    assert (spec.vendor, spec.version, spec.project, spec.location, spec.headers) == ("", "", "", "", ())
    assert (spec.credentials_file, spec.profile, spec.fetches_images) == (None, None, False)
    assert spec.timeouts == Timeouts()


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wire: azure", "add base_url: https://RESOURCE.openai.azure.com (the resource of 'p' is not known)"),
        ("vendor: azure", "add base_url, or write wire: azure ('azure' has no address that fits everybody)"),
        ("wire: vertex", "add project: my-project (the project of 'p' is not known)"),
        ("wire: bedrock", "add location: us-east-1, or set AWS_REGION (the region of 'p' is not known)"),
        ("wire: anthropic, vendor: groq", "remove it, or write wire: openai (the wire 'anthropic' has no vendor)"),
        ("wire: google, project: x", "remove it, or write wire: vertex (the wire 'google' has no project)"),
        ("version: '1'", "remove it, or write wire: azure (the wire 'openai' has no version)"),
        ("profile: x", "remove it, or write wire: bedrock (the wire 'openai' has no profile)"),
        ("location: x", "remove it, or write wire: vertex (the wire 'openai' has no location)"),
        (
            "wire: azure, base_url: 'https://r.openai.azure.com', version: 'a b'",
            "write one such as 2024-10-21 ('a b' is no version)",
        ),
        ("headers: { 'a b': x }", "write letters, digits and - alone ('a b' is no name of a header)"),
        ("wire: vertex, project: 'my project'", "write one such as my-project ('my project' is no project)"),
        ("wire: vertex, project: x, location: 'a b'", "write one such as europe-west1 ('a b' is no location)"),
        ("wire: bedrock, location: US_EAST", "write one such as us-east-1 ('US_EAST' is no location)"),
        ("base_url: 'http://u:p@h'", "write a URL without user and password; keys stand in api_keys (found 'http://***@h')"),
        (
            "wire: azure, base_url: 'https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1'",
            (
                "write the URL as far as its ? or #; what Azure calls api-version is version here "
                "(found 'https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1')"
            ),
        ),
        ("wire: opnai", "did you mean 'openai'? (found 'opnai')"),
        ("wire: Anthropic", "did you mean 'anthropic'? (found 'Anthropic')"),
        ("wire: gemini", "write wire: google (found 'gemini')"),
        ("wire: azure_openai", "write wire: azure (found 'azure_openai')"),
        ("wire: groq", "write vendor: groq, which speaks the wire openai (found 'groq')"),
        ("wire: lm-studio", "write vendor: lmstudio, which speaks the wire openai (found 'lm-studio')"),
        ("vendor: grok", "write vendor: xai (found 'grok')"),
        ("vendor: Mistrall", "write vendor: mistral (found 'Mistrall')"),
        ("vendor: anthropic", "write wire: anthropic, without a vendor (found 'anthropic')"),
        ("vendor: Gemini", "write wire: google, without a vendor (found 'Gemini')"),
        ("region: us-east-1", "did you mean 'location'? (unknown key 'region')"),
        ("api_base: x", "did you mean 'base_url'? (unknown key 'api_base')"),
        ("api_version: x", "did you mean 'version'? (unknown key 'api_version')"),
        ("headers: { Host: x }", "remove it ('Host' says how the request is sent, which the gateway decides)"),
        ('headers: { x: "a\\nb" }', "look for line breaks in it (the value cannot be sent in a header)"),
        ("images: maybe", "write one of pass, fetch (found 'maybe')"),
    ],
)
def test_a_provider_that_cannot_work_says_what_is_missing(tmp_path: Path, text: str, message: str) -> None:
    assert wrong(tmp_path, text) == [message]


def test_a_vendor_that_looks_like_none_is_told_all_there_are(tmp_path: Path) -> None:
    (message,) = wrong(tmp_path, "vendor: qqqq")
    assert message.startswith("write one of openai, azure, groq, ")


@pytest.mark.parametrize(
    "text", ["wire: opnai", "wire: azur", "vendor: grok", "base_url: nowhere", "wire: azure", "wire: anthropic, vendor: groq"]
)
def test_what_is_said_of_a_provider_that_is_wrong_already_does_not_mislead(tmp_path: Path, text: str) -> None:
    """Without its wire it would be taken for OpenAI, and asked for OpenAI's key."""
    assert wrong(tmp_path, text, Severity.WARNING) == []
    assert len(wrong(tmp_path, text)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base_url: 'http://h/v1/chat/completions'", "write http://h/v1 (the gateway adds /chat/completions itself)"),
        ("wire: anthropic, base_url: 'http://h/v1/messages'", "write http://h/v1 (the gateway adds /messages itself)"),
        ("vendor: vllm, base_url: 'http://gpu:8000'", "write http://gpu:8000/v1 (vllm has its API below /v1)"),
        (
            "base_url: 'https://openrouter.ai', api_keys: '${K:-x}'",
            "write https://openrouter.ai/api/v1 (openrouter has its API below /api/v1)",
        ),
        ("base_url: 'http://h', images: fetch", "remove it ('p' takes images by URL, so that none is ever fetched for it)"),
        (
            "wire: bedrock, location: us-east-1, images: fetch, proxy: 'http://x:1'",
            (
                "see to it that this machine reaches the public web, or remove images "
                "(images are fetched directly, without the proxy)"
            ),
        ),
    ],
)
def test_what_probably_does_not_do_what_was_meant_is_warned_about(tmp_path: Path, text: str, message: str) -> None:
    assert [one for one in wrong(tmp_path, text, Severity.WARNING) if "a secret stands" not in one] == [message]
    assert wrong(tmp_path, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "base_url: 'http://h/v1'",
        "base_url: 'http://h'",
        "vendor: deepseek, api_keys: '${K}'",
        "base_url: 'https://api.deepseek.com', api_keys: '${K}'",
        "wire: anthropic, base_url: 'http://h/v1'",
        "wire: azure, base_url: 'https://r.openai.azure.com/openai/deployments/d/chat/completions', api_keys: '${K}'",
        "wire: google, images: fetch, api_keys: '${K}'",
        "vendor: ollama, images: fetch",
    ],
)
def test_what_is_well_is_not_warned_about(tmp_path: Path, text: str) -> None:
    examined = look(tmp_path, f"providers: {{ p: {{ {text} }} }}\n{MODELS}", {"K": "k"})
    assert examined.problems == ()


@pytest.mark.parametrize(
    ("text", "extra"), [("wire: bedrock, location: us-east-1", "bedrock"), ("wire: vertex, project: x", "vertex")]
)
def test_a_library_that_is_missing_is_warned_about_before_the_first_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, extra: str
) -> None:
    assert wrong(tmp_path, text, Severity.WARNING) == []  # the tests have both
    monkeypatch.setattr(libraries, "is_installed", lambda name: False)
    (message,) = wrong(tmp_path, text, Severity.WARNING)
    assert message.startswith(f"run pip install 'fleetgate[{extra}]', or add api_keys (credentials for 'p' need ")
    with_a_key = look(tmp_path, f"providers: {{ p: {{ {text}, api_keys: '${{K}}' }} }}\n{MODELS}", {"K": "k"})
    assert with_a_key.problems == ()


@pytest.mark.parametrize(("name", "there"), [("json", True), ("google.nothing", False), ("nothing.at_all", False)])
def test_whether_a_library_is_there_is_known_without_importing_it(name: str, there: bool) -> None:
    assert libraries.is_installed(name) is there


WRONG_VALUES = (
    *(
        "wire: x",
        "wire: [a]",
        "wire: 5",
        "vendor: x",
        "vendor: [a]",
        "base_url: x",
        "base_url: 5",
        "api_keys: 5",
        "api_keys: [[a]]",
    ),
    *(
        "version: 5",
        "wire: azure, base_url: 'http://h', version: 'a/b'",
        "project: x",
        "wire: vertex",
        "wire: vertex, project: 5",
    ),
    *(
        "wire: bedrock, location: 'a b'",
        "wire: bedrock, location: us-east-1, profile: [a]",
        "credentials_file: x",
        "ca_file: nope",
    ),
    *(
        "headers: 5",
        "headers: { a: [b] }",
        "headers: { 'a:': b }",
        "headers: { te: b }",
        "images: on",
        "images: 5",
        "driver: x",
    ),
    *(
        "proxy: x",
        "proxy: 'ftp://x'",
        "timeouts: 5s",
        "timeouts: { connect: 5 }",
        "timeouts: { total: 0s }",
        "timeouts: { x: 1s }",
    ),
    *(
        "pool: { idle: -1 }",
        "pool: { total: 0 }",
        "pool: { age: soon }",
        "capacity: { requests: 5 }",
        "script: { x: 1 }",
        "huh: 1",
    ),
    *("wire: echo, script: { x: 1 }", "wire: echo, script: { latency: soon }", "wire: echo, script: [a]"),
)


@pytest.mark.parametrize("text", WRONG_VALUES)
def test_every_wrong_value_has_its_place_and_says_what_to_do(tmp_path: Path, text: str) -> None:
    examined = look(tmp_path, f"providers:\n  p: {{ {text} }}\n{MODELS}", {})
    assert examined.loaded is None
    for one in examined.errors:
        assert (one.line, one.column >= 3, one.key.startswith("providers.p")) == (2, True, True)
        assert one.message
        assert one.hint or any(words in one.message for words in ("The settings are", "the keys here are", "expected")), one


def test_a_credentials_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert wrong(tmp_path, "wire: vertex, project: x, credentials_file: nope.json") == [
        "name a service account's JSON file (there is no file 'nope.json')"
    ]


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "not JSON", '{"type": "authorized_user"}', "[" * 100_000, '{"private_key": 5}']
)
def test_a_credentials_file_that_is_no_key_is_an_error_and_not_shown(tmp_path: Path, content: str) -> None:
    (tmp_path / "key.json").write_text(content)
    assert wrong(tmp_path, "wire: vertex, project: x, credentials_file: key.json") == [
        "name a service account's JSON file (the file 'key.json' is no key of a service account)"
    ]


def test_a_new_credentials_file_makes_another_provider(tmp_path: Path) -> None:
    text = "wire: vertex, project: x, credentials_file: key.json"
    (tmp_path / "key.json").write_text(service_account("one"))
    first = provider(tmp_path, text)
    (tmp_path / "key.json").write_text(service_account("two"))
    assert provider(tmp_path, text) != first


def test_a_vendor_that_the_address_denies_is_warned_about(tmp_path: Path) -> None:
    (message,) = [
        one
        for one in wrong(tmp_path, "vendor: groq, api_keys: '${K:-}', base_url: 'https://api.x.ai/v1'", Severity.WARNING)
        if "not 'groq'" in one
    ]
    assert message == "remove one of the two (https://api.x.ai/v1 is 'xai', not 'groq')"


@pytest.mark.parametrize(
    ("text", "variable"),
    [("wire: anthropic", "ANTHROPIC_API_KEY"), ("vendor: groq", "GROQ_API_KEY"), ("wire: google", "GEMINI_API_KEY")],
)
def test_a_missing_key_is_asked_for_by_its_usual_name(tmp_path: Path, text: str, variable: str) -> None:
    assert any(f'add api_keys: [ "${{{variable}}}" ]' in one for one in wrong(tmp_path, text, Severity.WARNING))


# ---------------------------------------------------------------- headers are kept to themselves


def test_values_of_headers_are_shown_nowhere(tmp_path: Path) -> None:
    examined = look(
        tmp_path,
        f"providers: {{ p: {{ base_url: 'http://l', headers: {{ x-api-key: hush-1, x-team: mum-2 }}, oops: 1 }} }}\n{MODELS}",
    )
    for told in (render_all(examined.problems), as_json(examined.problems), as_sarif(examined.problems)):
        assert "oops" in told
        assert "hush-1" not in told
        assert "mum-2" not in told


def test_nor_are_they_on_the_start_screen_or_in_what_describes_a_provider(tmp_path: Path) -> None:
    text = "base_url: 'http://l', headers: { x-api-key: hush-1, x-team: mum-2 }, api_keys: hush-3, proxy: 'http://u:hush-4@x:1'"
    found = loaded(tmp_path, f"providers: {{ p: {{ {text} }} }}\n{MODELS}")
    told = "\n".join([*lines(Facts(found.listen, "c"), found.snapshot), repr(found.snapshot.providers["p"]), repr(found)])
    assert "http://l" in told
    assert "hush" not in told
    assert "mum" not in told


def test_only_headers_that_sound_like_secrets_are_asked_to_be_references(tmp_path: Path) -> None:
    headers = "{ authorization: Basic abcdefgh, x-team: search }"
    text = f"providers: {{ p: {{ base_url: 'http://l', headers: {headers} }} }}\n{MODELS}"
    problem = only(look(tmp_path, text), Severity.WARNING)
    assert (problem.rule, problem.key) == ("literal-secret", "providers.p.headers.authorization")


# ---------------------------------------------------------------- models


def model(folder: Path, text: str) -> Model:
    models = f"models: {{ m: {{ chain: [ e/a, e/b ], {text} }}, big: e/big, 'far-*': e/* }}\n"
    return loaded(folder, f"providers: {{ e: {{ wire: echo }} }}\n{models}").snapshot.catalog.models["m"]


def test_a_model_says_how_it_is_tried(tmp_path: Path) -> None:
    found = model(
        tmp_path, "attempts: 5, hedge: 2s, failover: { context_length: big, content_filter: next }, unsupported: refuse"
    )
    assert (found.attempts, found.hedge_s) == (5, 2.0)
    assert dict(found.failover) == {"context_length": "big", "content_filter": "next"}
    assert found.targets == (Target("e", "a", "e/a", strict=True), Target("e", "b", "e/b", strict=True))
    assert dict(model(tmp_path, "failover: { context_length: far-away }").failover) == {"context_length": "far-away"}


def test_a_model_that_says_nothing_of_it_has_the_usual(tmp_path: Path) -> None:
    found = model(tmp_path, "")
    assert (found.attempts, found.hedge_s, dict(found.failover)) == (3, None, {})
    assert not any(target.strict for target in found.targets)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("failover: { context_length: bigg }", "did you mean 'big'? (there is no model 'bigg')"),
        ("failover: { content_filter: nobody }", "write next, or add it under models (there is no model 'nobody')"),
        ("failover: { content_filter: m }", "write next, or another model ('m' would ask itself again)"),
        ("attempts: 0", "write at least 1 (found '0')"),
        ("attempts: 11", "write at most 10 (found '11')"),
        ("hedge: 0s", "write more than nothing (found '0s')"),
        ("unsupported: ignore", "write one of drop, refuse (found 'ignore')"),
        ("failover: { timeout: next }", "unknown key 'timeout'; the keys here are context_length, content_filter"),
    ],
)
def test_a_model_that_cannot_be_tried_so_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    examined = look(
        tmp_path, f"providers: {{ e: {{ wire: echo }} }}\nmodels: {{ m: {{ chain: [ e/a ], {text} }}, big: e/b }}\n"
    )
    assert messages(examined) == [message]


@pytest.mark.parametrize(
    ("pattern", "asked", "named"),
    [
        ("groq/*", "groq/llama-4", "llama-4"),
        ("groq/*", "groq/openai/gpt-oss", "openai/gpt-oss"),
        ("a/b/*", "a/b/c", "c"),
        ("claude-*", "claude-x", "claude-x"),
        ("*", "any/thing", "any/thing"),
    ],
)
def test_what_stands_for_the_star_is_asked_for_behind_a_slash(tmp_path: Path, pattern: str, asked: str, named: str) -> None:
    text = f"providers: {{ e: {{ wire: echo }} }}\nmodels: {{ '{pattern}': e/* }}\n"
    found = loaded(tmp_path, text).snapshot.catalog.find(asked)
    assert found is not None
    assert found.targets[0].named(asked) == named


def test_a_target_with_a_model_of_its_own_takes_no_part_of_the_name(tmp_path: Path) -> None:
    text = "providers: { e: { wire: echo } }\nmodels: { 'groq/*': e/fixed }\n"
    found = loaded(tmp_path, text).snapshot.catalog.find("groq/x")
    assert found is not None
    assert found.targets[0] == Target("e", "fixed", "e/fixed")
