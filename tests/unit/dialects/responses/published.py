"""The events that OpenAI publishes, each with its type from the SDK."""

from typing import get_args

from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel

EVENTS: dict[str, type[BaseModel]] = {
    get_args(one.model_fields["type"].annotation)[0]: one for one in get_args(get_args(ResponseStreamEvent)[0])
}
