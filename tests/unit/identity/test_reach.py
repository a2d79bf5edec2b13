"""Who else is behind an account: by its name, by another, and by way of failover."""

import dataclasses
from typing import Any

import pytest

from gateway.core.catalog import Catalog, Model, ProviderSpec, Target
from gateway.core.snapshot import Snapshot
from gateway.core.tenant import KeyEntry, Principal, Tenant
from gateway.identity.reach import carriers, is_shared

ACME, GLOBEX = Tenant("acme", frozenset({"a"})), Tenant("globex", frozenset({"b"}))


def at(provider: str) -> tuple[Target, ...]:
    return (Target(provider, "x", f"{provider}/x"),)


def snapshot(*others: Tenant, failover: dict[str, str] | None = None, **theirs: Any) -> Snapshot:
    """`acme` asks at `up`, `globex` at `other`; both have the key `k` at the same host."""
    ours = ProviderSpec("up", "openai", "https://h/v1", api_keys=("j", "k"))
    other = ProviderSpec("other", **{"wire": "openai", "base_url": "https://h/v2", "api_keys": ("k",)} | theirs)
    keys = {bytes([place]): KeyEntry(bytes([place]), Principal(one, "ci")) for place, one in enumerate((ACME, *others))}
    models = [Model("a", at("up")), Model("b", at("other"), failover=failover or {})]
    return Snapshot("1", Catalog.of(models), {"up": ours, "other": other}, keys=keys)


def test_an_account_under_two_names_is_one() -> None:
    assert is_shared(snapshot(GLOBEX), ACME, "up")
    assert not is_shared(snapshot(), ACME, "up")


@pytest.mark.parametrize(
    "theirs",
    [
        {"base_url": "https://elsewhere/v1"},
        {"api_keys": ("l",)},
        {"api_keys": ()},
        {"wire": "anthropic"},
        {"headers": (("OpenAI-Project", "theirs"),)},
    ],
)
def test_another_host_key_or_project_is_another_account(theirs: dict[str, Any]) -> None:
    assert not is_shared(snapshot(GLOBEX, **theirs), ACME, "up")


def test_a_header_that_tells_nothing_apart() -> None:
    assert is_shared(snapshot(GLOBEX, headers=(("x-team", "theirs"),)), ACME, "up")


def test_where_failover_ends_others_meet() -> None:
    far = snapshot(GLOBEX, failover={"context_length": "a"}, base_url="https://elsewhere/v1")
    assert is_shared(far, ACME, "up")
    assert carriers(far, GLOBEX) == ["other"], "it is no way for what passes"


def test_the_next_target_is_no_model_of_that_name() -> None:
    far = snapshot(GLOBEX, failover={"context_length": "next"}, base_url="https://elsewhere/v1")
    every = [*far.catalog.models.values(), Model("*", at("up"))]
    assert not is_shared(dataclasses.replace(far, catalog=Catalog.of(every)), ACME, "up")


def test_who_may_ask_for_everything_is_everywhere() -> None:
    assert is_shared(snapshot(Tenant("all", None)), ACME, "up")
    assert not is_shared(snapshot(Tenant("acme", None)), ACME, "up"), "a second key of the same tenant"
