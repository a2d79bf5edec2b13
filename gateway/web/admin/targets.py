"""`/fleetgate/v1/targets`: how every target stands, and an operator's word on it."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.config.units import UnitError, duration
from gateway.core.catalog import Target
from gateway.core.clock import Clock
from gateway.core.snapshot import Snapshot
from gateway.routing.breaker import WINDOW_S
from gateway.routing.health import Health
from gateway.routing.standing import SEVERITY, Forced, Gate, Standing
from gateway.web.admin.pages import check_query, page
from gateway.web.admin.problems import Problem
from gateway.web.admin.resource import Resource, answer, body_of, check_match, wrong_method

log = logging.getLogger("fleetgate.admin")

ROOT: Final = "/fleetgate/v1"
STATE: Final = "/state"
UNSAFE: Final = ("PUT", "POST", "PATCH", "DELETE", "OPTIONS")
"""What never means a target itself: a model's name may end in `/state`."""
LONGEST_S: Final = 30 * 86_400.0
"""How long an operator's word may hold if it is to end by itself."""


def admin_routes(current: Callable[[], Snapshot], health: Health, clock: Clock) -> list[BaseRoute]:
    """The routes of the admin API; what is below its root and none of them is a problem, too."""
    targets = Targets(health, clock)
    return [
        Route(f"{ROOT}/targets", Resource(current, {"GET": targets.every})),
        Route(f"{ROOT}/targets/{{label:path}}{STATE}", Resource(current, {"PUT": targets.force}), methods=UNSAFE),
        Route(f"{ROOT}/targets/{{label:path}}", Resource(current, {"GET": targets.one})),
        *(Route(path, Resource(current, {})) for path in (ROOT, f"{ROOT}/{{rest:path}}")),
    ]


class Targets:
    """The handlers. An entity tag stands for the operator's word only: the rest of a target changes with every call."""

    def __init__(self, health: Health, clock: Clock) -> None:
        self._health = health
        self._clock = clock
        self._process = secrets.token_hex(4)

    async def every(self, request: Request, snapshot: Snapshot) -> Response:
        """GET: all targets by label, `?provider=` and `?state=` choose among them."""
        query = request.query_params
        check_query(query, ("limit", "cursor", "provider", "state"))
        provider, state = query.get("provider"), query.get("state")
        if state is not None and state not in SEVERITY:
            raise Problem(400, "invalid_state", f"state is one of {', '.join(SEVERITY)}.")
        now_s = self._clock.now_s()
        found = [
            one
            for one in sorted(snapshot.catalog.targets(), key=lambda target: target.label)
            if (provider is None or one.provider == provider)
            and (state is None or self._health.at(one).worst(now_s).state == state)
        ]
        return answer(page(found, lambda one: one.label, query, lambda one: self._shown(one, snapshot)))

    async def one(self, request: Request, snapshot: Snapshot) -> Response:
        """GET: one target by its label."""
        return self._told(_found(request, snapshot), snapshot)

    async def force(self, request: Request, snapshot: Snapshot) -> Response:
        """PUT: `{"state": "open" | "closed" | "auto", "for": "10m"}`."""
        target = _found(request, snapshot)
        state, for_s = _order(await body_of(request))
        standing = self._health.at(target)
        check_match(request, self._tag(standing))
        until_s = None if for_s is None else self._clock.now_s() + for_s
        standing.force(None if state == "auto" else Forced("open" if state == "open" else "closed", until_s))
        log.warning("target_forced", extra={"fields": {"target": target.label, "state": state, "seconds": for_s}})
        return self._told(target, snapshot)

    def _told(self, target: Target, snapshot: Snapshot) -> Response:
        return answer(self._shown(target, snapshot), {"etag": self._tag(self._health.at(target))})

    def _tag(self, standing: Standing) -> str:
        return f'"{self._process}-{standing.revision}"'

    def _shown(self, target: Target, snapshot: Snapshot) -> dict[str, Any]:
        standing, now_s = self._health.at(target), self._clock.now_s()
        forced, (calls, failures) = standing.said(now_s), standing.breaker.window(now_s)
        return {
            "object": "target",
            "label": target.label,
            "provider": target.provider,
            "model": target.model,
            **self._gate(standing.worst(now_s)),
            "forced": None if forced is None else {"state": forced.state, "until": self._time(forced.until_s)},
            "failures": {"in_a_row": standing.breaker.streak, "seconds": WINDOW_S, "failed": failures, "of": calls},
            "names": {
                name: self._gate(gate)
                for name, one in sorted((standing.names or {}).items())
                if (gate := one.gate(now_s)).state != "closed"
            },
            "chains": _chains(target.label, snapshot),
        }

    def _gate(self, gate: Gate) -> dict[str, Any]:
        return {"state": gate.state, "why": gate.why or None, "until": self._time(gate.until_s)}

    def _time(self, at_s: float | None) -> str | None:
        """A reading of the clock as RFC 3339."""
        if at_s is None:
            return None
        wall_s = self._clock.wall_s() + at_s - self._clock.now_s()
        return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _found(request: Request, snapshot: Snapshot) -> Target:
    label = request.path_params["label"]
    known = {target.label: target for target in snapshot.catalog.targets()}
    if label in known:
        return known[label]
    if label.removesuffix(STATE) in known:
        raise wrong_method(request.method, ["PUT"])
    near = get_close_matches(label[:200], known, 3, 0.4)
    hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
    raise Problem(404, "no_target", f"No chain has a target {label[:200]!r}.{hint}")


def _chains(label: str, snapshot: Snapshot) -> list[dict[str, Any]]:
    """The models that have this target."""
    catalog = snapshot.catalog
    return [
        {"model": model.name, "weight": target.weight, "priority": target.priority}
        for model in (*catalog.models.values(), *catalog.patterns)
        for target in model.targets
        if target.label == label
    ]


def _order(body: Mapping[str, Any]) -> tuple[str, float | None]:
    """State and seconds. Raises a `Problem`."""
    _known_keys(body, ("state", "for"))
    state, said = body.get("state"), body.get("for")
    if state not in ("open", "closed", "auto"):
        raise Problem(400, "invalid_state", "state is 'open' (no calls), 'closed' (calls, whatever happens) or 'auto'.")
    if said is None:
        return state, None
    if state == "auto":
        raise Problem(400, "invalid_for", "'auto' holds until somebody says otherwise: leave 'for' out.")
    try:
        for_s = duration(said) if isinstance(said, str) else 0.0
    except UnitError as error:
        raise Problem(400, "invalid_for", f"for: {error}.") from error
    if not 0 < for_s <= LONGEST_S:
        raise Problem(400, "invalid_for", "for is a duration such as 30s, 10m or 1h, of 30 days at most.")
    return state, for_s


def _known_keys(body: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in body:
        if key not in known:
            raise Problem(400, "unknown_key", f"There is no key {key[:100]!r}; there are {', '.join(known)}.")
