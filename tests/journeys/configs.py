"""The configuration of the journeys' gateways: the second server, two providers of no use, a few models, two tenants."""

from collections.abc import Callable

from tests.journeys.processes import Gateway, Upstream

ACME, GLOBEX = "sk-fg-acme-1", "sk-fg-globex-1"
Starter = Callable[..., Gateway]


def config_for(upstream: Upstream, server: str, models: str = "") -> str:
    """A configuration with two tenants, one of which may use one model only; only models with a name are asked again."""
    return f"""
server: {{ {server} }}
providers:
  up:
    wire: openai
    base_url: {upstream.base_url}
    api_keys: [ "${{UPSTREAM_KEY}}" ]
    timeouts: {{ connect: 2s, first_byte: 4s, between_bytes: 4s, total: 60s }}
  gone: {{ wire: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [ x ] }}
  keyless: {{ wire: openai, base_url: "https://api.openai.com/v1", api_keys: [ "${{NO_SUCH_VARIABLE:-}}" ] }}
models:
  alias: up/plain
  vendor/family/model: up/plain
  gone: gone/plain
  keyless: keyless/gpt-5
  thrice: up/error-500@thrice
{models}
  "*": {{ chain: [ up/* ], attempts: 1 }}
tenants:
  acme:
    keys: [ {{ name: ci, key: {ACME} }} ]
  globex:
    models: [ alias ]
    keys: [ {{ name: ci, key: {GLOBEX} }} ]
"""
