"""What an answer used."""

import pytest

from gateway.core.record import Usage
from gateway.core.transcript import Chunk, Transcript
from gateway.metering.usage import usage_of

ASKED_BYTES = 401


def transcript(*events: object) -> Transcript:
    made = Transcript()
    made.fold(Chunk(b"", events))  # type: ignore[arg-type]
    return made


def test_the_providers_word_is_taken_with_its_details() -> None:
    said = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert usage_of(transcript({"choices": [], "usage": said}), ASKED_BYTES) == Usage(10, 5, 4, 3, exact=True)


def test_embeddings_have_no_output() -> None:
    assert usage_of(transcript({"usage": {"prompt_tokens": 8, "total_tokens": 8}}), ASKED_BYTES) == Usage(8, 0)


def test_an_answer_that_was_cut_is_estimated_upwards_and_says_so() -> None:
    assert usage_of(transcript(b"12345"), ASKED_BYTES) == Usage(101, 2, exact=False)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"prompt_tokens": "7"},
        {"prompt_tokens": -1},
        {"prompt_tokens": True},
        {"prompt_tokens": 10**400},
        {"prompt_tokens": None},
    ],
)
def test_nonsense_is_no_word(said: dict[str, object]) -> None:
    assert not usage_of(transcript({"usage": said}), ASKED_BYTES).exact


@pytest.mark.parametrize("details", [None, [], "x", {"cached_tokens": "3"}])
def test_odd_details_count_as_none(details: object) -> None:
    usage = usage_of(
        transcript({"usage": {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": details}}), ASKED_BYTES
    )
    assert usage == Usage(1, 1)


def test_what_was_written_to_a_cache_is_told_apart() -> None:
    transcript = Transcript()
    details = {"cached_tokens": 4, "cache_write_tokens": 3, "cache_write_1h_tokens": 2}
    transcript.usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": details}
    usage = usage_of(transcript, 0)
    assert (usage.input_tokens, usage.cached_tokens) == (9, 4)
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens, usage.exact) == (3, 2, True)
