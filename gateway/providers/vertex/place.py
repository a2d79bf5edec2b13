"""Where a model is found on Vertex: the host by location, the path by project and publisher."""

import re
from functools import lru_cache
from typing import Final

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import ProviderNotConfigured
from gateway.providers.google.place import segment

GLOBAL: Final = "global"

_MULTI: Final = frozenset({"us", "eu"})
_VERSIONED: Final = re.compile(r"/v\d+[a-z0-9]*$")


def base_url_of(location: str) -> str:
    """The base URL of a location; `global` where none is named. `us` and `eu` are of several regions."""
    if location in ("", GLOBAL):
        return "https://aiplatform.googleapis.com"
    if location in _MULTI:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def is_claude(model: str) -> bool:
    """Whether Anthropic publishes this model."""
    return model.removeprefix("publishers/anthropic/models/").startswith("claude")


def path(spec: ProviderSpec, publisher: str, model: str, what: str) -> bytes:
    """The path of `what` of a publisher's model. Raises `ProviderNotConfigured` without a project.

    Only Google's own models can do without one, with an API key of what Vertex calls its express mode.
    """
    if not spec.project and (publisher != "google" or not any(spec.api_keys)):
        raise ProviderNotConfigured(
            f"The provider {spec.name!r} has no project: give it `project`, the id of a Google Cloud project."
        )
    return _path(spec.base_url, spec.project, spec.location or GLOBAL, publisher, model.rpartition("models/")[2], what)


@lru_cache(maxsize=1024)
def _path(base_url: str, project: str, location: str, publisher: str, model: str, what: str) -> bytes:
    root = f"/{base_url.partition('://')[2].partition('/')[2].partition('?')[0]}".rstrip("/")
    root = root if _VERSIONED.search(root) else f"{root}/v1"
    account = f"/projects/{segment(project)}/locations/{segment(location)}" if project else ""
    return f"{root}{account}/publishers/{publisher}/models/{segment(model)}:{what}".encode("ascii")
