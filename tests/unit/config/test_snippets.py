"""What the pages show of a configuration is one: every snippet is sound, and the table of vendors says what the code has."""

import re
from pathlib import Path

import pytest

from gateway.config.inputs import Inputs
from gateway.config.load import examine
from gateway.config.models.providers import WIRE_NAMES
from gateway.config.offers import OFFERS
from gateway.config.problems import render_all
from gateway.providers.vendors import VENDORS
from tests.architecture.rules import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PROVIDERS = (ROOT / "docs" / "providers.md").read_text("utf-8")
CONFIG = (ROOT / "docs" / "config.md").read_text("utf-8")
VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")


def snippets() -> list[object]:
    """Every block of YAML with a section in it, by its page."""
    return [
        pytest.param(text, id=f"{page.name}-{at}")
        for page in PAGES
        for at, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL))
        if re.search(r"^(providers|models):", text, re.MULTILINE)
    ]


def completed(text: str) -> str:
    """With the section that a snippet leaves to the reader: the providers of its models, or a model of its providers."""
    if "providers:" not in text:
        named = dict.fromkeys(re.findall(r"([\w-]+)/[\w.*-]+", text))
        text = f"{text}  large: {next(iter(named))}/large\n" if "large" in text else text
        return f"{text}providers: {{ {', '.join(f'{name}: {{ wire: echo }}' for name in named)} }}\n"
    if "models:" not in text:
        return f"{text}models: {{ m: {re.findall(r'^  ([a-z-]+):', text, re.MULTILINE)[0]}/m }}\n"
    return text


@pytest.mark.parametrize("text", snippets())
def test_every_snippet_passes_the_check_without_a_word(text: str, tmp_path: Path) -> None:
    for file in re.findall(r"_file: ([\w.-]+)", text):
        (tmp_path / file).write_text('{"client_email": "a@b", "private_key": "-", "token_uri": "https://c"}')
    (tmp_path / "config.yaml").write_text(completed(text), "utf-8")
    environ = {name: f"key-of-{name.lower()}" for name in VARIABLE.findall(text)}
    examined = examine(Inputs(tmp_path / "config.yaml", environ))
    assert examined.problems == (), render_all(examined.problems)


def test_every_provider_has_a_snippet() -> None:
    shown = "\n".join(re.findall(r"^```yaml\n(.*?)^```", PROVIDERS, re.MULTILINE | re.DOTALL))
    assert {name for name in WIRE_NAMES if f"wire: {name}" not in shown} <= {"openai"}  # which is what there is without one


def test_the_table_of_vendors_is_the_code_s() -> None:
    rows = {}
    for line in PROVIDERS.splitlines():
        if line.startswith("| `") and line.count("|") == 6 and "`vendor`" not in line:
            name, address, variable, responses, _ = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
            rows[name] = (address, "" if variable == "no key" else variable, responses == "yes")
    assert list(rows) == list(VENDORS)
    for name, row in VENDORS.items():
        assert rows[name] == (row.base_url, "" if row.free else row.variable, row.responses), name


def test_every_variable_of_zero_config_is_documented() -> None:
    table = CONFIG[CONFIG.index("# Zero config") :]
    known = {name for offer in OFFERS for name in (*offer.keys, offer.url, offer.version) if name}
    assert {name for name in known if f"`{name}`" not in table} == set()
