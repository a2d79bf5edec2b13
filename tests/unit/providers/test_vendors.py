"""The vendors' rows: found by name and by host, and at peace with each other."""

from urllib.parse import urlsplit

import pytest

from gateway.core.catalog import ProviderSpec
from gateway.providers.vendors import AZURE, OPENAI, PLAIN, VENDORS, speaks_responses, vendor_at, vendor_of


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://API.GROQ.COM/openai/v1", "groq"),
        ("https://api.groq.com.:443/openai/v1", "groq"),
        ("https://my-resource.openai.azure.com/openai/v1", "azure"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-openai"),
        ("http://127.0.0.1:8000/v1", ""),
        ("https://api.openai.com.evil.example/v1", ""),
        ("https://notapi.openai.com.example", ""),
        ("", ""),
        ("http://[", ""),
    ],
)
def test_the_host_tells_the_vendor(base_url: str, name: str) -> None:
    assert vendor_at("", base_url).name == name


def test_a_name_comes_before_the_host() -> None:
    assert vendor_of(ProviderSpec("p", "openai", "https://api.openai.com/v1", vendor="vllm")).name == "vllm"
    assert vendor_at("nobody", "https://api.openai.com/v1") is PLAIN


@pytest.mark.parametrize("row", VENDORS.values(), ids=list(VENDORS))
def test_every_row_is_found_by_its_own_address(row: object) -> None:
    assert row in VENDORS.values()
    vendor = VENDORS[row.name]  # type: ignore[attr-defined]
    if vendor.base_url and vendor.hosts and not vendor.free:
        assert vendor_at("", vendor.base_url) is vendor
    parts = urlsplit(vendor.base_url)
    assert parts.scheme in ("", "http", "https")
    assert vendor.base_url == vendor.base_url.rstrip("/")
    assert vendor.variable.isupper()


def test_no_two_rows_claim_one_host() -> None:
    hosts = [host for row in VENDORS.values() for host in row.hosts]
    assert len(hosts) == len(set(hosts))
    for row in VENDORS.values():
        for host in row.hosts:
            assert vendor_at("", f"https://{'x' if host.startswith('.') else ''}{host}") is row


def test_the_hot_path_s_rows_need_no_change() -> None:
    assert [row.particular for row in (OPENAI, PLAIN, AZURE, VENDORS["vllm"])] == [False] * 4


def test_who_has_responses_is_known() -> None:
    assert {name for name in VENDORS if speaks_responses(ProviderSpec("p", "openai", vendor=name))} == {
        *("openai", "azure", "groq", "fireworks", "xai"),
    }
    assert not speaks_responses(ProviderSpec("p", "openai", "http://127.0.0.1:8000/v1"))
