"""Where a model of Bedrock is called: the host of a region, and the path of an operation."""

from functools import lru_cache
from typing import Final
from urllib.parse import quote

CONVERSE: Final = "converse"
CONVERSE_STREAM: Final = "converse-stream"
INVOKE: Final = "invoke"
INVOKE_STREAM: Final = "invoke-with-response-stream"
COUNT: Final = "count-tokens"

_CHINA: Final = "cn-"


def base_url_of(region: str) -> str:
    """The base URL of a region."""
    domain = "amazonaws.com.cn" if region.startswith(_CHINA) else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{domain}"


@lru_cache(maxsize=1024)
def path(base_url: str, model: str, operation: str) -> bytes:
    """The operation's place below the base URL.

    Ids hold `:`, and ARNs `/`; both are escaped, for the id is one segment. (A signature is over the path escaped once
    more; that is the signer's business.)
    """
    place = base_url.partition("://")[2].partition("/")[2].partition("?")[0]
    root = f"/{place}".rstrip("/")
    return f"{root}/model/{quote(model, safe='-._~')}/{operation}".encode("ascii", "replace")
