"""Whatever is asked, Converse takes it: by its rules, and by its published service model."""

import importlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.wires.bedrock.asking import (
    ADAPTIVE,
    BUDGET,
    CLAUDE,
    CURRENT,
    FORM,
    GPT,
    HI,
    HINT,
    HOUR,
    LLAMA,
    NOVA,
    OLDER,
    PNG,
    PROFILE,
    REDACTED,
    THOUGHT,
    WEATHER,
    called,
    check,
    hinted,
    part,
    result,
    sent,
)

Json = dict[str, Any]

# ---------------------------------------------------------------- anything at all

WORDS = st.sampled_from(["", " ", "Hi", "\ud83d"])
CONTENTS = st.one_of(
    st.none(),
    WORDS,
    st.lists(st.builds(lambda text: {"type": "text", "text": text, "cache_control": HINT}, WORDS), max_size=2),
)
IDS = st.sampled_from(["a", "b", "c/d"])
MESSAGES = st.lists(
    st.one_of(
        st.builds(lambda role, content: {"role": role, "content": content}, st.sampled_from(["user", "system"]), CONTENTS),
        st.builds(lambda content, ids: {**called(*ids), "content": content}, CONTENTS, st.lists(IDS, max_size=3)),
        st.builds(result, IDS, CONTENTS),
    ),
    max_size=8,
)


@given(MESSAGES, st.sampled_from([CLAUDE, ADAPTIVE, NOVA, LLAMA, PROFILE]))
def test_any_conversation_is_one_that_converse_takes(messages: list[Json], model: str) -> None:
    check(json.loads(sent(model, messages=messages).body))


def test_the_service_model_allows_it() -> None:
    validate = importlib.import_module("botocore.validate")
    session = importlib.import_module("botocore.session").Session()
    shape = session.get_service_model("bedrock-runtime").operation_model("Converse").input_shape
    everything: list[Json] = [
        hinted(HOUR),
        {"messages": [HI, called("a/b", thinking_blocks=[THOUGHT, REDACTED]), result("a/b", is_error=True)]},
        {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False, "service_tier": "flex"},
        {"response_format": FORM, "reasoning_effort": "high", "stop": "END", "temperature": 0.5, "max_tokens": 9000},
        {"messages": part("image_url", f"data:image/png;base64,{PNG}")},
        {"messages": part("file", {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="})},
    ]
    for model in (CLAUDE, OLDER, ADAPTIVE, CURRENT, BUDGET, NOVA, LLAMA, GPT, PROFILE):
        for more in everything:
            told = {"modelId": model, **json.loads(sent(model, **more).body)}
            report = validate.ParamValidator().validate(told, shape)
            assert not report.has_errors(), report.generate_report()
