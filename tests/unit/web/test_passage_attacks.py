"""Callers who want what is not theirs: another tenant's objects, a model off their list, or a request read in two ways."""

from typing import Any

import orjson
import pytest

from gateway.core.tenant import Tenant
from gateway.core.upstream import Owner
from gateway.dialects.ownership import mark
from tests.house import PEPPER
from tests.passages import ACME, FILE, FORM, Scene, code

JSON = (b"content-type", b"application/json")
OTHERS = (Tenant("globex"),)
CERTAIN = frozenset({"m"})


def restricted() -> Scene:
    return Scene(*OTHERS, models=CERTAIN)


async def refused(scene: Scene, method: str, path: str, fields: object = None, *headers: Any, query: bytes = b"") -> str | None:
    """The code of the refusal of a call of which nothing has gone on."""
    body = b"" if fields is None else fields if isinstance(fields, bytes) else orjson.dumps(fields)
    client = await scene.ask(method, path, body, *headers, query=query)
    assert scene.up.parcels == []
    assert scene.azure.parcels == []
    assert client.status is not None
    assert 400 <= client.status < 500
    return code(client)


# ------------------------------------------------------------ models


@pytest.mark.parametrize("name", ["Model", "MODEL", "moDel"])
@pytest.mark.parametrize("path", ["/images/generations", "/assistants"])
async def test_a_model_in_other_letters_is_not_read_over(name: str, path: str) -> None:
    for fields in ({"model": "m", name: "dear"}, {name: "dear"}):
        assert await refused(restricted(), "POST", path, fields) == "invalid_value"


async def test_a_model_in_the_query_does_not_go_on() -> None:
    for query in (b"model=dear", b"Model=dear", b"a=b&%6dodel=dear"):
        assert await refused(restricted(), "POST", "/images/generations", {"model": "m"}, query=query) == "invalid_value"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/batches", {"input_file_id": mark(FILE, "up", ACME), "endpoint": "/v1/chat/completions"}),
        ("/evals", {"name": "e", "testing_criteria": [{"type": "label_model", "model": "dear"}]}),
        (f"/evals/{mark('eval_0123456789', 'up', ACME)}/runs", {"data_source": {"type": "completions", "model": "dear"}}),
        ("/fine_tuning/jobs", {"model": "m", "method": {"reinforcement": {"grader": {"model": "dear"}}}}),
    ],
)
async def test_what_names_its_models_where_nobody_reads_them_is_not_for_who_may_use_certain_models(
    path: str, fields: object
) -> None:
    assert await refused(restricted(), "POST", path, fields) == "unsupported_operation"
    assert (await Scene(*OTHERS).ask("POST", path, orjson.dumps(fields), JSON)).status == 201


async def test_what_was_made_before_a_list_of_models_may_still_be_read() -> None:
    for method, path in (("GET", ""), ("POST", "/cancel")):
        assert (await restricted().ask(method, f"/batches/{mark('batch_0123456789', 'up', ACME)}{path}")).status == 201


async def test_an_alias_whose_provider_cannot_answer_is_not_taken_for_a_model_of_another() -> None:
    """`talks` is a model of `claude`; at `up` the same word may name anything."""
    scene = Scene(*OTHERS, models=frozenset({"m", "talks"}))
    assert await refused(scene, "POST", "/assistants", {"model": "talks"}) == "unsupported_operation"


async def test_a_form_with_two_models() -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    for one, other in ((b"model", b"model"), (b"model", b"Model"), (b"Model", b"prompt")):
        form = part % (one, b"m") + part % (other, b"dear") + b"--x--\r\n"
        assert await refused(restricted(), "POST", "/audio/transcriptions", form, (b"content-type", FORM)) == "invalid_value"


# ------------------------------------------------------------ objects


@pytest.mark.parametrize(
    "said",
    [
        FILE,
        f" {FILE}\n",
        mark(FILE, "up", Owner("globex", PEPPER)),
        mark(FILE, "up", ACME)[:-1] + "g",
        mark(FILE, "up", ACME) + "0",
        mark("file-Other0123456789", "up", ACME).replace("Other", "AbCdE"),
    ],
)
async def test_an_id_that_is_not_the_callers_is_refused_wherever_it_stands(said: str) -> None:
    mine = mark("vs_0123456789", "up", ACME)
    bodies: list[tuple[str, object]] = [
        ("/batches", {"input_file_id": said}),
        ("/fine_tuning/jobs", {"training_file": said}),
        ("/vector_stores", {"file_ids": ["x", said]}),
        (f"/vector_stores/{mine}/file_batches", {"files": [{"file_id": said}]}),
        ("/assistants", {"tool_resources": {"code_interpreter": {"file_ids": [said]}}}),
        ("/threads", {"messages": [{"role": "user", "content": [{"image_file": {"file_id": said}}]}]}),
        ("/threads", {"messages": [{"content": "x", "attachments": [{"file_id": said, "tools": []}]}]}),
        ("/images/edits", {"model": "m", "images": [{"file_id": said}]}),
        ("/responses/compact", {"model": "m", "input": [{"content": [{"type": "input_file", "file_id": said}]}]}),
        ("/responses/input_tokens", {"model": "m", "previous_response_id": said.replace("file-", "resp_")}),
        ("/responses/input_tokens", {"model": "m", "input": [], "conversation": {"id": said.replace("file-", "conv_")}}),
        ("/responses/input_tokens", {"model": "m", "tools": [{"type": "file_search", "vector_store_ids": [said]}]}),
        ("/videos", {"model": "m", "prompt": "x", "input_reference": {"file_id": said}}),
    ]
    for path, fields in bodies:
        assert await refused(Scene(*OTHERS), "POST", path, fields, JSON) == "object_not_found", path
    for query in (b"after", b"before", b"include[]"):
        raw = query + b"=" + said.replace("\n", "%0A").replace(" ", "+").encode()
        assert await refused(Scene(*OTHERS), "GET", f"/vector_stores/{mine}/files", query=raw) == "object_not_found"


@pytest.mark.parametrize(
    "source", [{"type": "stored_completions", "metadata": {}}, {"type": "responses", "created_after": 1}, {"type": "logs"}]
)
async def test_an_eval_of_everybodys_answers_is_refused(source: object) -> None:
    runs = f"/evals/{mark('eval_0123456789', 'up', ACME)}/runs"
    calls = (("/evals", {"data_source_config": source}), (runs, {"data_source": {"type": "responses", "source": source}}))
    for path, fields in calls:
        assert await refused(Scene(*OTHERS), "POST", path, fields, JSON) == "unsupported_operation"
        assert (await Scene().ask("POST", "/evals", orjson.dumps(fields), JSON)).status == 201, "who is alone may"
    content = {"data_source": {"type": "responses", "model": "m", "source": {"type": "file_content", "content": []}}}
    assert (await Scene(*OTHERS).ask("POST", runs, orjson.dumps(content), JSON)).status == 201


@pytest.mark.parametrize(
    "said", ["..", ".", "...", "%2e%2e", "a%2fb", "a b", "a\r\nx: y", "é", "a?b", "a#b", "a\\b", "x" * 641]
)
async def test_a_path_does_not_leave_its_place(said: str) -> None:
    for path in ("/files/{}", "/files/{}/content", f"/vector_stores/{mark('vs_0123456789', 'up', ACME)}/files/{{}}"):
        assert await refused(Scene(), "GET", path.format(said)) in ("object_not_found", "unknown_url")


# ------------------------------------------------------------ what is written anew


async def test_the_body_is_announced_as_what_it_is() -> None:
    scene = Scene()
    await scene.ask("POST", "/moderations", b'{"model":"m"}', (b"content-type", b"application/json; charset=utf-16"))
    assert scene.parcel.headers[b"content-type"] == b"application/json"
    scene = Scene()
    await scene.ask("POST", "/moderations", b'{"model":"m"}')
    assert scene.parcel.headers[b"content-type"] == b"application/json"
    scene = Scene()
    form = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--x--\r\n'
    said = b"multipart/form-data; boundary=y; charset=utf-7; boundary=x"
    await scene.ask("POST", "/audio/transcriptions", form, (b"content-type", said))
    assert scene.parcel.headers[b"content-type"] == b"multipart/form-data; boundary=x"


async def test_a_query_cannot_say_again_what_the_provider_is_told() -> None:
    scene = Scene()
    await scene.ask("GET", "/responses/resp_1", query=b"a=1%262;b=3&c=%0d%0ax&=&%00=1")
    assert scene.parcel.path == "/responses/resp_1?a=1%262%3Bb%3D3&c=%0D%0Ax&=&%00=1"
