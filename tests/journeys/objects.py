"""A provider of everything that is no chat: it keeps objects by their ids, forgets nothing, and remembers what it was sent."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SOUND = bytes(range(256)) * 64
IMAGE = "aW1hZ2U=" * 16
RATE = {"x-ratelimit-remaining-requests": "3", "set-cookie": "__cf_bm=secret", "openai-organization": "org-secret"}
EVENT_STREAM = "text/event-stream; charset=utf-8"
BLOCK = 65_536


@dataclass(slots=True)
class Seen:
    """A request as it arrived; of a body only what was read of it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    size: int = 0
    digest: str = ""
    left: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields


@dataclass(slots=True)
class Store:
    """What the provider holds."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    made: int = 0
    slow_s: float = 0.0
    most_kept: int = 1 << 20

    def make(self, prefix: str, **fields: Any) -> dict[str, Any]:
        self.made += 1
        one = {"id": f"{prefix}{self.made:024x}", "created_at": 1, **fields}
        self.objects[one["id"]] = one
        return one

    def last(self, path: str) -> Seen:
        return next(one for one in reversed(self.seen) if one.path == path)

    def requests(self, path: str) -> list[Seen]:
        return [one for one in self.seen if one.path == path]


Answer = tuple[int, str, bytes]


def told(value: object, status: int = 200) -> Answer:
    return status, "application/json", json.dumps(value).encode()


def error(status: int, message: str, param: str | None = "id", code: str | None = None) -> Answer:
    return told({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}, status)


def events(*all_of_them: dict[str, Any]) -> Answer:
    lines = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in all_of_them)
    return 200, EVENT_STREAM, lines.encode()


USAGE = {"input_tokens": 11, "output_tokens": 22, "total_tokens": 33, "input_tokens_details": {"text_tokens": 11}}


class Answers:
    """What each path answers."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.table: list[tuple[str, str, Callable[..., Answer]]] = [
            ("POST", r"/files", self.new_file),
            ("GET", r"/files", lambda seen: told({"object": "list", "data": self.kept("file-"), "has_more": False})),
            ("GET", r"/files/([^/]+)/content", self.content),
            ("POST", r"/uploads", lambda seen: told(self.store.make("upload_", object="upload", status="pending"))),
            ("POST", r"/uploads/([^/]+)/parts", self.part),
            ("POST", r"/uploads/([^/]+)/complete", self.complete),
            ("POST", r"/batches", self.new_batch),
            ("POST", r"/batches/([^/]+)/cancel", lambda seen, one: self.found(one, status="cancelling")),
            ("POST", r"/vector_stores", self.new_store),
            ("POST", r"/conversations", lambda seen: told(self.store.make("conv_", object="conversation", metadata={}))),
            ("GET", r"/responses/([^/]+)/input_items", self.items),
            ("POST", r"/responses/([^/]+)/cancel", lambda seen, one: self.found(one, status="cancelled")),
            ("POST", r"/moderations", self.moderation),
            ("POST", r"/images/generations", self.images),
            ("POST", r"/audio/speech", lambda seen: (200, "audio/mpeg", SOUND)),
            ("POST", r"/audio/transcriptions", self.transcript),
            ("GET", r"/[a-z_]+/([^/]+)", self.got),
            ("DELETE", r"/[a-z_]+/([^/]+)", self.deleted),
        ]

    def of(self, seen: Seen) -> Answer:
        for method, pattern, answer in self.table:
            if method == seen.method and (found := re.fullmatch(pattern, seen.path)):
                return answer(seen, *found.groups())
        return error(404, f"Invalid URL ({seen.method} {seen.path})", None)

    def kept(self, prefix: str) -> list[dict[str, Any]]:
        return [one for key, one in self.store.objects.items() if key.startswith(prefix)]

    def found(self, one: str, **changes: Any) -> Answer:
        if one not in self.store.objects:
            return error(404, f"No such object: {one}")
        self.store.objects[one] |= changes
        return told(self.store.objects[one])

    def got(self, seen: Seen, one: str) -> Answer:
        if seen.query.get("stream") == ["true"]:
            response = self.store.objects[one]
            return events(*({"type": f"response.{what}", "response": response} for what in ("created", "completed")))
        return self.found(one)

    def deleted(self, seen: Seen, one: str) -> Answer:
        if self.store.objects.pop(one, None) is None:
            return error(404, f"No such object: {one}")
        return told({"id": one, "object": "deleted", "deleted": True})

    def new_file(self, seen: Seen) -> Answer:
        if b"too-large" in seen.body[:1000]:
            return error(413, "The file is too large.", None)
        one = self.store.make("file-", object="file", bytes=seen.size, filename="f", purpose="batch", status="processed")
        self.store.contents[one["id"]] = seen.body
        return told(one)

    def content(self, seen: Seen, one: str) -> Answer:
        if one not in self.store.contents:
            return error(404, f"No such File object: {one}")
        return 200, "application/octet-stream", json.dumps({"id": "file-0123456789abcdef"}).encode() + SOUND

    def part(self, seen: Seen, one: str) -> Answer:
        if one not in self.store.objects:
            return error(404, f"No such Upload: {one}")
        return told({"id": f"part_{self.store.made}", "object": "upload.part", "created_at": 1, "upload_id": one})

    def complete(self, seen: Seen, one: str) -> Answer:
        file = self.store.make("file-", object="file", bytes=1, filename="f", purpose="batch", status="processed")
        return self.found(one, status="completed", file=file)

    def new_batch(self, seen: Seen) -> Answer:
        if seen.fields["input_file_id"] not in self.store.objects:
            return error(400, f"No such file: {seen.fields['input_file_id']}", "input_file_id")
        output = self.store.make("file-", object="file", bytes=1, filename="o", purpose="batch_output", status="processed")
        return told(self.store.make("batch_", object="batch", status="completed", output_file_id=output["id"], **seen.fields))

    def new_store(self, seen: Seen) -> Answer:
        unknown = [one for one in seen.fields.get("file_ids", []) if one not in self.store.objects]
        if unknown:
            return error(400, f"No such files: {unknown}", "file_ids")
        counts = {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}
        return told(self.store.make("vs_", object="vector_store", status="completed", file_counts=counts, usage_bytes=0))

    def items(self, seen: Seen, one: str) -> Answer:
        text = {"type": "input_text", "text": "file-0123456789abcdef"}
        item = {"id": "msg_1", "type": "message", "role": "user", "status": "completed", "content": [text]}
        return told({"object": "list", "data": [item], "first_id": "msg_1", "last_id": "msg_1", "has_more": False})

    def moderation(self, seen: Seen) -> Answer:
        return told({"id": "modr-1", "model": seen.fields["model"], "results": [{"flagged": False}]})

    def images(self, seen: Seen) -> Answer:
        if seen.fields.get("stream"):
            shared = {"created_at": 1, "size": "auto", "quality": "auto", "background": "auto", "output_format": "png"}
            return events(
                {"type": "image_generation.partial_image", "b64_json": IMAGE, "partial_image_index": 0, **shared},
                {"type": "image_generation.completed", "b64_json": IMAGE, **shared, "usage": USAGE},
            )
        return told({"created": 1, "data": [{"b64_json": IMAGE}], "usage": USAGE})

    def transcript(self, seen: Seen) -> Answer:
        if b"\r\ntext\r\n" in seen.body:
            return 200, "text/plain; charset=utf-8", b"spoken words\n"
        return told({"text": "spoken words", "usage": {"type": "tokens", **USAGE}})


class Provider(ThreadingHTTPServer):
    """The provider, in threads of this process."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.store = Store()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no news."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Provider

    def log_message(self, *args: Any) -> None: ...

    def _handle(self) -> None:
        where = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, where.path.removeprefix("/v1"), parse_qs(where.query), headers)
        store = self.server.store
        store.seen.append(seen)
        if "refuse-early" in headers.get("openai-beta", ""):
            self._tell(seen, error(413, "The file is too large.", None), close=True)
            return
        if not self._read(seen, store):
            seen.left = True
            return
        self._tell(seen, Answers(store).of(seen))

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815

    def _read(self, seen: Seen, store: Store) -> bool:
        digest = hashlib.sha256()
        kept: list[bytes] = []
        for block in self._blocks(seen.headers):
            if not block:
                return False
            digest.update(block)
            seen.size += len(block)
            if seen.size <= store.most_kept:
                kept.append(block)
            time.sleep(store.slow_s)
        seen.body, seen.digest = b"".join(kept), digest.hexdigest()
        return True

    def _blocks(self, headers: dict[str, str]) -> Any:
        """Blocks of the body; an empty one where the client has left."""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline() or b"-1", 16):
                yield self.rfile.read(size) if size > 0 else b""
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(headers.get("content-length", "0"))
        while left:
            block = self.rfile.read(min(left, BLOCK))
            yield block
            left -= len(block)

    def _tell(self, seen: Seen, answer: Answer, *, close: bool = False) -> None:
        status, kind, body = answer
        self.send_response(status)
        for name, value in RATE.items():
            self.send_header(name, value)
        self.send_header("content-type", kind)
        if kind == EVENT_STREAM:
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for event in body.split(b"\n\n")[:-1]:
                self.wfile.write(b"%x\r\n%b\n\n\r\n" % (len(event) + 2, event))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if close:
            while self.connection.recv(BLOCK):  # until the gateway closes, so that a reset does not eat the answer
                seen.size += BLOCK
            self.close_connection = True
