"""Where Bedrock is, and what an id says of its model."""

import pytest

from gateway.providers.bedrock.models import model_of
from gateway.providers.bedrock.place import base_url_of, path

ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
FOUNDATION = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-20250514-v1:0"


def test_the_host_is_the_regions() -> None:
    assert base_url_of("eu-central-1") == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert base_url_of("cn-north-1") == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize(
    ("base", "model", "expected"),
    [
        ("https://h", "amazon.nova-lite-v1:0", b"/model/amazon.nova-lite-v1%3A0/converse"),
        ("https://h/", ARN, b"/model/" + ARN.replace(":", "%3A").replace("/", "%2F").encode() + b"/converse"),
        ("http://h:1/vpc/x/", "m", b"/vpc/x/model/m/converse"),
        ("http://h", "a b?c#d\r\n", b"/model/a%20b%3Fc%23d%0D%0A/converse"),
    ],
)
def test_an_id_is_one_segment_of_the_path(base: str, model: str, expected: bytes) -> None:
    assert path(base, model, "converse") == expected


@pytest.mark.parametrize(
    ("model_id", "maker", "caches", "forces", "formats"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "anthropic", False, True, False),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "anthropic", True, True, False),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic", True, True, True),
        (FOUNDATION, "anthropic", True, True, False),
        ("eu.amazon.nova-pro-v1:0", "amazon", True, True, False),
        ("meta.llama3-3-70b-instruct-v1:0", "meta", False, False, False),
        ("openai.gpt-oss-120b-1:0", "openai", False, True, True),
        (ARN, "", False, True, True),
        ("", "", False, True, True),
    ],
)
def test_what_an_id_says(model_id: str, maker: str, caches: bool, forces: bool, formats: bool) -> None:
    model = model_of(model_id)
    assert (model.maker, model.caches, model.family.forces, model.family.formats) == (maker, caches, forces, formats)
