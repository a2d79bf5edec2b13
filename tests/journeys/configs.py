"""The configuration that the journeys' gateways run on: one provider, a few models, two tenants."""

from collections.abc import Callable

from tests.journeys.processes import Gateway, Upstream

ACME, GLOBEX = "sk-fg-acme-1", "sk-fg-globex-1"
Starter = Callable[..., Gateway]


def config_for(upstream: Upstream, server: str, models: str = "") -> str:
    """A configuration with two tenants, one of which may use one model only."""
    return f"""
server: {{ {server} }}
providers:
  up:
    wire: openai
    base_url: {upstream.base_url}
    api_keys: [ "${{UPSTREAM_KEY}}" ]
    timeouts: {{ connect: 2s, first_byte: 4s, between_bytes: 4s, total: 60s }}
models:
  alias: up/plain
  vendor/family/model: up/plain
{models}
  "*": up/*
tenants:
  acme:
    keys: [ {{ name: ci, key: {ACME} }} ]
  globex:
    models: [ alias ]
    keys: [ {{ name: ci, key: {GLOBEX} }} ]
"""
