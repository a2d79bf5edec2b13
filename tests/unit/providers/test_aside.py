"""Large bodies do not keep the loop: they are translated, written and read in a thread, small ones at once."""

import threading
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.core.catalog import Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.upstream import Ask
from gateway.dialects.messages.record import MESSAGES
from gateway.dialects.table import TRANSLATIONS
from gateway.providers import remote
from gateway.providers.aside import LARGE
from gateway.providers.remote import Remote
from gateway.providers.transport.contract import Incoming, Outgoing
from gateway.providers.wire import OPENAI
from tests.unit.dialects.speech import messages, plain_completion, user
from tests.unit.providers.test_remote import TARGET, plain, spec

STEPS = ("into_chat", "write", "read", "answer")


class Answering:
    """A transport that has one answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        return plain(self._body)

    def retire(self) -> None: ...

    async def aclose(self) -> None: ...


class Watch:
    """Notes which steps were made on the loop's own thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on_loop: dict[str, bool] = {}
        self.wire = replace(OPENAI, write=self._watched("write", OPENAI.write), read=self._watched("read", OPENAI.read))
        into_chat, answer = self._watched("into_chat", MESSAGES.into_chat), self._watched("answer", MESSAGES.answer)
        spied = replace(MESSAGES, into_chat=into_chat, answer=answer)
        monkeypatch.setattr(remote, "TRANSLATIONS", {**TRANSLATIONS, Operation.MESSAGES: spied})

    def _watched(self, step: str, work: Any) -> Any:
        def at_work(*args: Any) -> Any:
            self.on_loop[step] = threading.current_thread() is threading.main_thread()
            return work(*args)

        return at_work

    async def carried(self, asked: ModelRequest, said: str) -> bytes:
        """The answer to `asked`, which says this."""
        body = orjson.dumps(plain_completion({"content": said}))
        reply = await Remote(spec(), self.wire, Answering(body)).call(Ask(asked, TARGET, {}))
        return b"".join([chunk.data async for chunk in reply])


async def test_small_ones_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    assert b'"text":"Hi"' in await watch.carried(messages(user("hi")), "Hi")
    assert watch.on_loop == dict.fromkeys(STEPS, True)


async def test_large_ones_are_worked_on_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, words = Watch(monkeypatch), "w" * LARGE
    assert words.encode() in await watch.carried(messages(user(words)), words)
    assert watch.on_loop == dict.fromkeys(STEPS, False)
