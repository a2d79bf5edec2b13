"""The normaliser of a stream: whatever the provider sends in, what every client understands comes out.

    block of bytes -> events like the last one, many at once (template) -> on as they are
                   -> any other event, parsed -> an error raises, a sound one goes on as it is, the rest is mended

A 200 that turns out to be plain JSON is an error, or a whole completion that is played as a stream.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.providers import sse
from gateway.providers.intake import LEAD, Gathering
from gateway.providers.openai import answer, faults
from gateway.providers.openai.envelope import is_error
from gateway.providers.openai.mending import Fields, Mending, says_more
from gateway.providers.openai.replay import events_of
from gateway.providers.openai.template import Template, hole_of, learn

DONE: Final = b"data: [DONE]\n\n"

_LESSONS: Final = 16
"""How often one stream may learn a template: enough for reasoning, text and calls, not for a stream without any pattern."""
_EARLY_LIMIT: Final = 16
"""Events that may come before the one with the id. (Azure sends one.)"""
_UNSAID_LIMIT: Final = 16 * 1024
"""Events before the first content; at one a second that is over four hours of signs of life."""
_SEARCHES: Final = 8
"""How often one block is searched for a row of equal events: where two kinds alternate, there is nothing to gain."""


def normaliser(ask: Ask, wall_s: float) -> "Stream":
    """The normaliser of the stream that answers; `wall_s` is Unix time."""
    request = ask.request
    model = ask.target.named(request.model)
    return Stream(request, Mending(request.operation, model, int(wall_s)))


class Stream:
    """One stream: `feed` blocks, `end` at the end. Both raise a fault, or give the chunk that came before it and keep it.

    `begun`: there is content. `done`: nothing may follow. `fault`: why nothing will, to be raised after the chunk.
    """

    __slots__ = (
        *("_data", "_deltas", "_early", "_expected", "_lessons", "_mending", "_model", "_operation", "_recognised"),
        *("_splitter", "_template", "_unsaid", "_usage", "_usage_event", "_usage_is_new", "_usage_raw", "_wants_usage"),
        *("_whole", "begun", "complete", "done", "fault"),
    )

    sequence = 0  # chats do not number their events
    media_type: bytes | None = None

    def __init__(self, request: ModelRequest, mending: Mending) -> None:
        self.begun = self.complete = self.done = False
        self.fault: UpstreamFault | None = None
        self._operation = request.operation
        self._model = request.model
        self._wants_usage = request.wants_usage
        self._expected = choices_asked_for(request)
        self._mending = mending
        self._splitter = sse.Splitter()
        self._recognised = False
        self._template: Template | None = None
        self._lessons = _LESSONS
        self._usage: Mapping[str, Any] | None = None
        self._usage_event: Fields | None = None
        self._usage_raw: bytes | None = None
        self._usage_is_new = False
        self._unsaid = 0
        self._early: list[Fields] = []
        self._whole: Gathering | None = None
        self._data: list[bytes] = []
        self._deltas: list[bytes | Mapping[str, Any]] = []

    def feed(self, block: bytes) -> Chunk:
        """Takes the next block; the chunk is empty where nothing can be said yet."""
        template = self._template
        if (
            template is not None
            and block.startswith(template.open)
            and block.endswith(template.close)
            and self._splitter.between
        ):
            chunk = template.whole(block)
            if chunk is not None:
                return chunk
        return self._guarded(self._advance, block)

    def end(self) -> Chunk:
        """The upstream has ended. Raises `UpstreamTruncated` unless every choice that began has its finish reason."""
        return self._guarded(self._conclude, b"")

    def _guarded(self, step: Callable[[bytes], None], block: bytes) -> Chunk:
        try:
            if not self.done:
                step(block)
        except UpstreamFault as fault:
            self.done, self.fault, self._template = True, fault, None
            if not self._data and not self._usage_is_new:
                raise
        self.complete = self.complete or (self._mending.finished and len(self._mending.choices) >= self._expected)
        if self._usage_is_new:
            self._usage_is_new = False
            self._deltas.append({"usage": self._usage})
        chunk = Chunk(b"".join(self._data), tuple(self._deltas))
        self._data, self._deltas = [], []
        return chunk

    # ------------------------------------------------------------ from bytes to events

    def _advance(self, block: bytes) -> None:
        if not self._recognised and (head := block.lstrip(LEAD)):
            self._recognised = True
            self._whole = Gathering() if head.startswith((b"{", b"[", b"<")) else None
        if self._whole is not None:
            self._whole.add(block)
            return
        self._splitter.feed(block)
        searches = _SEARCHES
        while not self.done:
            if searches and self._is_known():
                searches -= 1
                if self._take_run():
                    continue
            if (raw := self._splitter.cut()) is None:
                return
            self._read(raw)

    def _is_known(self) -> bool:
        """The next event begins as the last one did."""
        template, splitter = self._template, self._splitter
        return template is not None and splitter.text.startswith(template.open, splitter.at)

    def _take_run(self) -> bool:
        """Takes the events like the last one, as many as stand in a row; False where that is none."""
        splitter, template = self._splitter, self._template
        run = template.run(splitter.text, splitter.at) if template is not None else None
        if run is None:
            return False
        splitter.at = run.end
        self._emit(run.chunk.data, *run.chunk.deltas)
        return True

    def _conclude(self, _: bytes) -> None:
        if self._whole is not None:
            whole = answer.completion(self._operation, self._model, self._whole.body())
            for event in events_of(whole, legacy=self._operation is Operation.COMPLETIONS):
                self._take(event, None)
            self._finish()
            return
        rest = self._splitter.last()
        if (said := sse.parse(rest)) is not None:
            if said.data.strip() != b"[DONE]" and not lenient.is_json(said.data):
                raise UpstreamTruncated("The provider's stream ended in the middle of an event.")
            self._read(rest)
        if not self.done:
            self._finish()

    def _read(self, raw: bytes) -> None:
        """One event as it came."""
        said = sse.parse(raw)
        if said is None or not (data := said.data.strip()):
            return
        if data == b"[DONE]":
            self._finish()
            return
        try:
            event = lenient.loads(data)
        except ValueError as error:
            raise UpstreamBroken("An event of the provider's stream is not JSON.") from error
        if said.name == b"error" or is_error(event):
            raise faults.within(event)
        if not isinstance(event, dict):
            raise UpstreamBroken("An event of the provider's stream is not an object.")
        if not self.begun:
            self._wait_on()
        if "choices" in event or "usage" in event or "id" in event:  # else a ping, or something else to be skipped
            self._take(event, raw)

    def _wait_on(self) -> None:
        self._unsaid += 1
        if self._unsaid > _UNSAID_LIMIT:
            raise UpstreamBroken(f"The provider's stream has {_UNSAID_LIMIT} events and no content.")

    # ------------------------------------------------------------ from events to chunks

    def _take(self, event: Fields, raw: bytes | None) -> None:
        if not self._mending.identified and not event.get("id") and not event.get("choices"):
            self._hold(event)
            return
        changed, says = self._mend(event)
        if self._early:
            early, self._early = self._early, []
            for one in early:
                self._take(one, None)
        usage = event.get("usage")
        if usage:
            self._note_usage(event, None if changed else raw)
        if self._is_idle(event, says=says, usage=bool(usage)):
            return
        sound = not changed and not usage and raw is not None and _is_plain(raw)
        self._emit(raw + b"\n\n" if sound and raw is not None else _framed(event), event)
        self.begun = self.begun or says
        if says and raw is not None and not usage:
            self._learn(raw, event)

    def _hold(self, event: Fields) -> None:
        """Its id is not known yet (Azure opens with such an event)."""
        if event.get("usage") or says_more(event):
            self._early = [one for one in self._early if says_more(one)]  # of those with usage alone, the last stands
            if len(self._early) >= _EARLY_LIMIT:
                raise UpstreamBroken(f"The provider's stream has more than {_EARLY_LIMIT} events before it names itself.")
            self._early.append(event)

    def _is_idle(self, event: Fields, *, says: bool, usage: bool) -> bool:
        """Whether nothing in the event is for the caller: it says nothing, or was sent for its usage alone."""
        if says or not (usage or not event["choices"]):
            return False
        if not event["choices"]:
            return usage or not says_more(event)
        return self._mending.finished and not says_more(event)

    def _mend(self, event: Fields) -> tuple[bool, bool]:
        """Whether mending changed the event, and whether it says anything."""
        changed, says = self._mending.heading(event), False
        choices = event.get("choices")
        if choices is None:
            event["choices"] = choices = []
            changed = True
        if not isinstance(choices, list):
            raise UpstreamBroken("The choices in the provider's stream are not a list.")
        for position, choice in enumerate(choices):
            mended, said = self._mending.choice(choice, position)
            changed, says = changed or mended, says or said
        if event.get("usage") and not isinstance(event["usage"], dict):
            event["usage"], changed = None, True
        return changed, says

    def _learn(self, raw: bytes, event: Fields) -> None:
        if self._template is not None and self._template.hole.call is not None:
            self._template = None  # another call may have begun, which the same bytes would belong to now
        found = hole_of(event) if self._lessons else None
        if found is None:
            return
        self._lessons -= 1
        template = learn(raw, event, found[0], self._rendered)
        if template is not None:
            self._template = template

    def _rendered(self, event: Fields) -> bytes | None:
        """For `learn`: mends as `_take` does."""
        return _framed(event) if self._mend(event)[0] else None

    def _note_usage(self, event: Fields, raw: bytes | None) -> None:
        """Keeps the usage for the end: it comes once, and the last stands."""
        self._usage, self._usage_event, self._usage_raw = event["usage"], event, None if event["choices"] else raw
        self._usage_is_new = True
        if event["choices"]:
            event["usage"] = None
            if not self._wants_usage:
                del event["usage"]

    def _emit(self, data: bytes, *deltas: bytes | Mapping[str, Any]) -> None:
        self._data.append(data)
        self._deltas += deltas

    def _finish(self) -> None:
        if not self._mending.finished:
            raise UpstreamTruncated("The provider's stream ended before its finish reason; this is not the whole answer.")
        if self._usage is not None and self._wants_usage:
            self._data.append(self._usage_chunk())
        self._data.append(DONE)
        self.complete, self.done, self._template = True, True, None

    def _usage_chunk(self) -> bytes:
        if self._usage_raw is not None and _is_plain(self._usage_raw):
            return self._usage_raw + b"\n\n"
        kept = {key: value for key, value in (self._usage_event or {}).items() if key != "obfuscation"}
        return _framed(kept | {"choices": [], "usage": self._usage})


def choices_asked_for(request: ModelRequest) -> int:
    """How many choices the answer has, if the provider does as it is told."""
    each = request.fields.get("n")
    prompt = request.fields.get("prompt") if request.operation is Operation.COMPLETIONS else None
    prompts = len(prompt) if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list) else 1
    return prompts * (each if isinstance(each, int) and each > 1 else 1)


def _is_plain(raw: bytes) -> bool:
    """One line that says `data`, as every client reads it."""
    return raw.startswith(b"data:") and b"\n" not in raw


def _framed(event: Fields) -> bytes:
    return b"data: %b\n\n" % lenient.dumps(event)
