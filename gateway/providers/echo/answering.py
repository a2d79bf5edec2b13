"""From a request to the whole answer, decided before anything is sent or waited for."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.clock import Clock
from gateway.providers.echo import embeddings, fault, fields, stream
from gateway.providers.echo.chat import Chat
from gateway.providers.echo.completions import Completions
from gateway.providers.echo.fault import Fault
from gateway.providers.echo.fields import Fields
from gateway.providers.echo.heading import fresh
from gateway.providers.echo.script import NAMES, NEVER_S, Script, ScriptError, for_model
from gateway.providers.echo.stream import Step
from gateway.providers.transport.contract import Header, Outgoing

_COUNTED = 1024
"""Model names whose calls are counted at once; the longest known is forgotten first."""

_JSON = (b"content-type", b"application/json")
_EVENTS = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer: how long until its head, the head, and the steps of its body."""

    wait_s: float
    status: int
    headers: tuple[Header, ...]
    steps: Iterator[Step]


class Answering:
    """Answers requests by the script of the configuration and that of the model name, which wins."""

    def __init__(self, base: Script, clock: Clock) -> None:
        self._base = base
        self._clock = clock
        self._calls: dict[str, int] = {}

    def prepare(self, outgoing: Outgoing) -> Prepared:
        """The answer to this request; errors are answers too."""
        script = self._base
        try:
            path = _path(outgoing)
            request = fields.parse(outgoing.body)
            script = self._script(request["model"])
            if script.status != 200:
                raise fault.scripted(script)
            return self._answered(path, request, script)
        except ScriptError as error:
            wrong = Fault(str(error), param="model", code="invalid_echo_setting")
        except Fault as error:
            wrong = error
        body = wrong.body()
        return Prepared(_wait_s(script), wrong.status, (*_plain_head(body), *wrong.headers), iter((body,)))

    def _answered(self, path: str, request: Fields, script: Script) -> Prepared:
        created = int(self._clock.wall_s())
        if path == "embeddings":
            body = embeddings.plain(request)
        else:
            said = (Chat if path == "chat/completions" else Completions)(request, script, created)
            if request.get("stream") is True:
                head = (*_EVENTS, (b"x-request-id", fresh("req").encode()))
                return Prepared(_wait_s(script), 200, head, stream.streamed(said.events(), script))
            body = said.plain()
        return Prepared(_wait_s(script), 200, _plain_head(body), stream.plain(body, script))

    def _script(self, model: str) -> Script:
        name = model.partition(":")[0]
        if name.startswith("echo-") and name not in NAMES:
            raise Fault(
                f"The echo provider has no model {name!r}. It has: {', '.join(NAMES)}.",
                status=404,
                param="model",
                code="model_not_found",
            )
        script = for_model(model, self._base)
        return script if script.every == 1 or self._is_due(model, script.every) else script.without_faults()

    def _is_due(self, model: str, every: int) -> bool:
        """Counts this call; true for the last of each `every` calls."""
        count = self._calls.pop(model, 0) + 1
        if len(self._calls) >= _COUNTED:
            del self._calls[next(iter(self._calls))]
        self._calls[model] = count
        return count % every == 0


def _path(outgoing: Outgoing) -> str:
    path = outgoing.path.partition(b"?")[0].decode("latin-1")
    if outgoing.method == b"POST":
        # The longest first: chat completions are completions too.
        for known in ("chat/completions", "completions", "embeddings"):
            if path.endswith("/" + known):
                return known
    method = outgoing.method.decode("latin-1")
    raise Fault(f"Unknown request URL: {method} {path}.", status=404, code="unknown_url")


def _wait_s(script: Script) -> float:
    return NEVER_S if script.hang else script.latency_s


def _plain_head(body: bytes) -> tuple[Header, ...]:
    return (_JSON, (b"content-length", b"%d" % len(body)), (b"x-request-id", fresh("req").encode()))
