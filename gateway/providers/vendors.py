"""Who offers an OpenAI-compatible API, and where it differs from OpenAI's: a row a vendor, each peculiarity with its source.

A provider belongs to the row that its configuration names, else to the one that its base URL's host tells; a server that is in
no row is taken for a plain one: it gets what the caller sent. A row holds what is documented or was reported by several
users, nothing that is merely likely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from gateway.core.catalog import ProviderSpec

Reasoning = Literal["ignored", "refused", "renamed", "wanted"]
LimitName = Literal["", "max_tokens", "max_completion_tokens"]

_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Vendor:
    """One row.

    `hosts`: those that tell it; one that begins with a dot stands for all below it. `variable`: the usual one of its key.
    `auth`: how the key goes along. `free`: it answers without a key. `responses`: it has OpenAI's Responses API itself.

    What it takes: `usage`: `stream_options`. `limit`: the only name that it knows for the limit of the answer's tokens (empty:
    both). `refuses`: fields that are errors there; they are left out. `extras`: fields beside OpenAI's that it knows.
    `developer`: the role. `names`: `name` in messages other than a tool's. `reasoning`: what it does with
    `reasoning_content` in the history; `renamed`: it wants `reasoning`; `wanted`: it misses it where tools were called.
    `thinking`: `{"type": ...}` at the top level. `signatures`: `extra_content` of calls. `hints`: `cache_control`. `custom`:
    tools that take free text. `files`: content parts with documents. `image_urls`: images by URL, and not as `data:` alone.
    `images_in_results`: tool messages may hold images.
    `short_ids`: ids of calls are nine letters and digits, or errors. `lists`: a text may be a list of parts in every role.
    `schemas`: a schema for the answer. `families`: parameters depend on the model, as OpenAI's (`o`) or xAI's (`grok`).

    `particular`: a request in OpenAI's own form may have to be changed for it.
    """

    name: str
    base_url: str = ""
    hosts: tuple[str, ...] = ()
    variable: str = ""
    auth: Literal["bearer", "api-key"] = "bearer"
    free: bool = False
    responses: bool = False
    usage: bool = True
    limit: LimitName = ""
    refuses: frozenset[str] = _NOTHING
    extras: frozenset[str] = _NOTHING
    developer: bool = True
    names: bool = True
    reasoning: Reasoning = "ignored"
    thinking: bool = False
    signatures: bool = False
    hints: bool = False
    custom: bool = False
    files: bool = True
    image_urls: bool = True
    images_in_results: bool = False
    short_ids: bool = False
    lists: bool = False
    schemas: bool = True
    families: Literal["", "o", "grok"] = ""
    particular: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Sums up what decides over every request."""
        plain = self.usage and not self.limit and not self.refuses and self.developer and self.names and not self.short_ids
        mild = self.reasoning == "ignored" and self.families != "grok" and self.schemas
        object.__setattr__(self, "particular", not (plain and mild))


_TOP_K: Final = frozenset({"top_k"})
_LOCAL: Final = frozenset({"top_k", "chat_template_kwargs"})
"""What servers of open models take beside OpenAI's fields (translation.md: pass through)."""

OPENAI: Final = Vendor(
    "openai",
    "https://api.openai.com/v1",
    ("api.openai.com", ".api.openai.com"),  # eu.api.openai.com: data residency
    "OPENAI_API_KEY",
    responses=True,
    custom=True,
    lists=True,
    families="o",
)
AZURE: Final = Vendor(
    "azure",
    # Resources have hosts of their own: RESOURCE.openai.azure.com, RESOURCE.services.ai.azure.com.
    hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
    variable="AZURE_OPENAI_API_KEY",
    auth="api-key",
    responses=True,
    custom=True,
    lists=True,
    families="o",
)
PLAIN: Final = Vendor("", free=True, extras=_LOCAL)
"""A server of which nothing is known."""

_ROWS: Final = (
    OPENAI,
    AZURE,
    Vendor(
        "groq",
        "https://api.groq.com/openai/v1",
        ("api.groq.com",),
        "GROQ_API_KEY",
        # console.groq.com/docs/openai: Responses are there; these fields, and names in messages, are a 400.
        responses=True,
        refuses=frozenset({"logprobs", "logit_bias", "top_logprobs"}),
        names=False,
        # "property 'reasoning_content' is unsupported": janhq/jan#8136, NousResearch/hermes-agent#11089
        reasoning="refused",
    ),
    Vendor(
        "mistral",
        "https://api.mistral.ai/v1",
        ("api.mistral.ai",),
        "MISTRAL_API_KEY",
        # A field that it does not know is a 422 (mistralai/platform-docs-public#7); these are missing from the request and
        # the messages of its SDK (mistralai 3.7.0). max_completion_tokens: editor-code-assistant/eca#231.
        limit="max_tokens",
        usage=False,  # no stream_options there; usage comes with the last chunk unasked
        refuses=frozenset({"user", "logit_bias", "store", "verbosity", "modalities", "audio", "web_search_options"})
        | {"safety_identifier", "prompt_cache_retention", "functions", "function_call"},
        extras=_TOP_K,
        developer=False,
        names=False,
        reasoning="refused",
        files=False,
        images_in_results=True,  # ToolMessage.content is a string or content chunks
        short_ids=True,  # "must be a-z, A-Z, 0-9, with a length of 9": anomalyco/opencode#1680, langchain-ai/langchain#24668
        lists=True,
    ),
    Vendor(
        "deepseek",
        "https://api.deepseek.com",
        ("api.deepseek.com",),
        "DEEPSEEK_API_KEY",
        limit="max_tokens",  # the only one that its reference lists
        developer=False,  # "unknown variant `developer`": earendil-works/pi#1048, theopenco/llmgateway#3462
        reasoning="wanted",  # api-docs.deepseek.com/guides/thinking_mode: a 400 where it is missing after a tool call
        thinking=True,  # the same page
        schemas=False,  # "This response_format type is unavailable now": langchain-ai/langchain#29282, BerriAI/litellm#31466
        files=False,
    ),
    Vendor(
        "together",
        "https://api.together.xyz/v1",
        ("api.together.xyz", "api.together.ai"),
        "TOGETHER_API_KEY",
        extras=_LOCAL,  # both in its SDK (together 3.1.1)
    ),
    Vendor(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        ("api.fireworks.ai",),
        "FIREWORKS_API_KEY",
        responses=True,  # docs.fireworks.ai: /v1/responses
        extras=_TOP_K,
    ),
    Vendor(
        "openrouter",
        "https://openrouter.ai/api/v1",
        ("openrouter.ai",),
        "OPENROUTER_API_KEY",
        extras=_TOP_K,  # openrouter.ai/docs/api-reference/parameters
        hints=True,  # openrouter.ai/docs/features/prompt-caching: cache_control in text parts
        lists=True,
    ),
    Vendor(
        "xai",
        "https://api.x.ai/v1",
        ("api.x.ai", ".api.x.ai"),
        "XAI_API_KEY",
        responses=True,  # docs.x.ai: /v1/responses
        families="grok",
    ),
    Vendor("perplexity", "https://api.perplexity.ai", ("api.perplexity.ai",), "PERPLEXITY_API_KEY"),
    Vendor(
        "cerebras",
        "https://api.cerebras.ai/v1",
        ("api.cerebras.ai",),
        "CEREBRAS_API_KEY",
        # "reasoning_content is unsupported", `reasoning` is taken: QwenLM/qwen-code#11045, Kilo-Org/kilocode#10375
        reasoning="renamed",
    ),
    Vendor("nvidia", "https://integrate.api.nvidia.com/v1", ("integrate.api.nvidia.com",), "NVIDIA_API_KEY"),
    Vendor(
        "moonshot",
        "https://api.moonshot.ai/v1",
        ("api.moonshot.ai", "api.moonshot.cn"),
        "MOONSHOT_API_KEY",
        # platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model: keep it in the history of tool calls.
        reasoning="wanted",
        thinking=True,
    ),
    Vendor(
        "zhipu",
        "https://api.z.ai/api/paas/v4",
        ("api.z.ai", "open.bigmodel.cn"),
        "ZAI_API_KEY",
        thinking=True,  # docs.z.ai: thinking: {type: enabled | disabled}
    ),
    Vendor(
        "gemini-openai",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("generativelanguage.googleapis.com",),
        "GEMINI_API_KEY",
        # "Unknown name ...: Cannot find field": Vali-98/ChatterUI#227 for both; a 400.
        refuses=frozenset({"seed", "logit_bias"}),
        signatures=True,  # ai.google.dev/gemini-api/docs/thought-signatures: extra_content.google.thought_signature
    ),
    Vendor(
        "ollama",
        "http://127.0.0.1:11434/v1",
        ("ollama.com",),
        "OLLAMA_API_KEY",
        free=True,
        limit="max_tokens",  # docs.ollama.com/api/openai-compatibility lists only this one; another is passed over in silence
        files=False,  # the same page: text and images
        image_urls=False,  # the same page; "invalid image input": ollama/ollama#6753
    ),
    Vendor("vllm", "http://127.0.0.1:8000/v1", (), "VLLM_API_KEY", free=True, extras=_LOCAL),
    # Takes max_completion_tokens only since ggml-org/llama.cpp#19831 (February 2026); before, in silence, no limit at all.
    Vendor("llama.cpp", "http://127.0.0.1:8080/v1", (), "LLAMA_API_KEY", free=True, limit="max_tokens", extras=_LOCAL),
    Vendor(
        "tgi", "http://127.0.0.1:3000/v1", (), "HF_TOKEN", free=True, limit="max_tokens"
    ),  # .../text-generation-inference#2844
    Vendor(
        "lmstudio",
        "http://127.0.0.1:1234/v1",
        (),
        "LM_API_TOKEN",
        free=True,
        extras=_TOP_K,
        image_urls=False,  # "'url' field must be a base64 encoded image": lmstudio-ai/lmstudio-bug-tracker#1120
    ),
    Vendor("sglang", "http://127.0.0.1:30000/v1", (), "SGLANG_API_KEY", free=True, extras=_LOCAL),
    # Passes on what the models behind it take, and knows the fields of all of them.
    Vendor("litellm", "http://127.0.0.1:4000/v1", (), "LITELLM_API_KEY", free=True, extras=_LOCAL, hints=True, lists=True),
)

VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType({row.name: row for row in _ROWS})
"""By the name in the configuration."""


def vendor_of(spec: ProviderSpec) -> Vendor:
    """The row of a provider."""
    return vendor_at(spec.vendor, spec.base_url)


@lru_cache(maxsize=1024)
def vendor_at(name: str, base_url: str) -> Vendor:
    """The row of this name, else of the base URL's host, else `PLAIN`."""
    if name:
        return VENDORS.get(name, PLAIN)
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return PLAIN
    return next((row for row in _ROWS if _is_at(host.rstrip("."), row.hosts)), PLAIN)


def _is_at(host: str, hosts: tuple[str, ...]) -> bool:
    return any(host.endswith(one) if one.startswith(".") else host == one for one in hosts)


def speaks_responses(spec: ProviderSpec) -> bool:
    """Whether the provider has OpenAI's Responses API itself."""
    return vendor_of(spec).responses
