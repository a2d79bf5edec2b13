"""The admin API: who may use it, how it refuses, what it tells of targets, and that its orders are obeyed."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette

from gateway.core.catalog import Catalog, Model, Target
from gateway.core.clock import ManualClock
from gateway.core.errors import UpstreamBroken, UpstreamRefused
from gateway.core.snapshot import Snapshot
from gateway.identity.keys import digest
from gateway.web.admin.targets import admin_routes
from gateway.web.routes import routes
from tests.house import KEY, PEPPER, Gateway

ADMIN = "sk-fg-admin-for-tests"
TARGETS = "/fleetgate/v1/targets"


@asynccontextmanager
async def nothing(_: Starlette) -> AsyncIterator[None]:
    yield


class Site:
    """The admin API of a gateway with three targets, behind a client in memory that has the admin key."""

    def __init__(self) -> None:
        self.gateway = gateway = Gateway()
        self.clock = ManualClock()
        targets = (Target("p", "m", "p/m", 3), Target("p", "*", "p/*", 1, 2), Target("q", "deep/m", "q/deep/m", 1, 2))
        self.snapshot: Snapshot = replace(
            gateway.snapshot,
            admin_key=digest(PEPPER, ADMIN),
            catalog=Catalog.of([Model("m", targets), Model("*", targets[1:2])]),
        )
        app: Any = routes(gateway.house, admin_routes(lambda: self.snapshot, gateway.health, self.clock), nothing)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://gateway", headers={"authorization": f"Bearer {ADMIN}"}
        )

    def target(self, label: str) -> Target:
        return next(one for one in self.snapshot.catalog.targets() if one.label == label)

    def fail(self, label: str, asked: str = "m", times: int = 5, error: Any = None) -> None:
        target, own = self.target(label), self.gateway.snapshot.providers["p"].timeouts
        for _ in range(times):
            self.gateway.health.failed(target, asked, "call", error or UpstreamBroken("x"), own, self.clock.now_s())

    async def order(self, label: str, body: Any, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.put(f"{TARGETS}/{label}/state", json=body, headers=names)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    async with made.client:
        yield made


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail", "instance"} <= told.keys()
    assert answer.headers["x-request-id"] == told["instance"]


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "admin_key_missing"),
        ("Bearer", "admin_key_missing"),
        (f"Basic {ADMIN}", "admin_key_missing"),
        (f"Bearer {ADMIN}x", "admin_key_wrong"),
        (f"Bearer {KEY}", "admin_key_wrong"),
        ("Bearer \xe9", "admin_key_wrong"),
    ],
)
async def test_nobody_gets_in_without_the_admin_key(site: Site, header: str, code: str) -> None:
    for method, path in (("GET", TARGETS), ("PUT", f"{TARGETS}/p/m/state"), ("GET", "/fleetgate/v1/else"), ("POST", TARGETS)):
        answer = await site.client.request(method, path, headers={b"authorization": header.encode("latin-1")})
        check_problem(answer, 401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_bearer_is_read_as_http_says(site: Site) -> None:
    answer = await site.client.get(TARGETS, headers={"authorization": f"bearer  {ADMIN} "})
    assert answer.status_code == 200


async def test_with_callers_keys_but_no_admin_key_it_is_closed_and_says_what_to_set(site: Site) -> None:
    site.snapshot = replace(site.snapshot, admin_key=None)
    answer = await site.client.get(TARGETS)
    check_problem(answer, 403, "no_admin_key")
    assert "auth.admin_key" in answer.json()["detail"]


async def test_without_any_keys_it_is_open_as_everything_is(site: Site) -> None:
    site.snapshot = replace(site.snapshot, admin_key=None, keys={})
    assert (await site.client.get(TARGETS, headers={"authorization": ""})).status_code == 200


# ---------------------------------------------------------------- what it tells


async def test_targets_are_listed_by_label_with_their_chains(site: Site) -> None:
    told = (await site.client.get(TARGETS)).json()
    assert [one["label"] for one in told["data"]] == ["p/*", "p/m", "q/deep/m"]
    assert (told["object"], told["has_more"], told["next_cursor"]) == ("list", False, None)
    assert told["data"][1] == {
        "object": "target",
        "label": "p/m",
        "provider": "p",
        "model": "m",
        "state": "closed",
        "why": None,
        "until": None,
        "forced": None,
        "failures": {"in_a_row": 0, "seconds": 10.0, "failed": 0, "of": 0},
        "names": {},
        "chains": [{"model": "m", "weight": 3, "priority": 1}],
    }
    assert told["data"][0]["chains"] == [
        {"model": "m", "weight": 1, "priority": 2},
        {"model": "*", "weight": 1, "priority": 2},
    ]


async def test_pages_follow_each_other_though_targets_come_and_go(site: Site) -> None:
    first = (await site.client.get(TARGETS, params={"limit": 1})).json()
    assert ([one["label"] for one in first["data"]], first["has_more"]) == (["p/*"], True)
    site.snapshot = replace(site.snapshot, catalog=Catalog.of([Model("m", (Target("o", "m", "o/m"), site.target("p/m")))]))
    second = (await site.client.get(TARGETS, params={"limit": 9, "cursor": first["next_cursor"]})).json()
    assert [one["label"] for one in second["data"]] == ["p/m"]


async def test_targets_are_chosen_by_provider_and_state(site: Site) -> None:
    site.fail("p/m")
    site.fail("q/deep/m", error=UpstreamRefused(429, "x", error_type="t", retry_after_s=30))
    for query, labels in (
        ({"provider": "p"}, ["p/*", "p/m"]),
        ({"state": "open"}, ["p/m"]),
        ({"state": "cooling"}, ["q/deep/m"]),
        ({"state": "closed", "provider": "q"}, []),
    ):
        told = (await site.client.get(TARGETS, params=query)).json()
        assert [one["label"] for one in told["data"]] == labels


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_limit"),
        ("limit=1001", "invalid_limit"),
        ("limit=x", "invalid_limit"),
        ("limit=" + "9" * 5000, "invalid_limit"),
        ("cursor=%21", "invalid_cursor"),
        ("cursor=_w", "invalid_cursor"),
        ("state=broken", "invalid_state"),
        ("provder=p", "unknown_parameter"),
    ],
)
async def test_a_query_of_nonsense_is_a_problem(site: Site, query: str, code: str) -> None:
    check_problem(await site.client.get(f"{TARGETS}?{query}"), 400, code)


async def test_an_open_target_says_why_and_until_when(site: Site) -> None:
    site.fail("q/deep/m")
    told = (await site.client.get(f"{TARGETS}/q/deep/m")).json()
    assert (told["state"], told["why"]) == ("open", "it kept failing, with upstream_broken")
    assert told["until"].startswith("2027-01-15T08:00:0")
    assert told["failures"] == {"in_a_row": 5, "seconds": 10.0, "failed": 5, "of": 5}
    site.clock.advance(60)
    assert (await site.client.get(f"{TARGETS}/q/deep/m")).json()["state"] == "half_open"


async def test_a_star_tells_of_the_names_that_are_not_well(site: Site) -> None:
    site.fail("p/*", "bad")
    site.fail("p/*", "good", times=1)
    told = (await site.client.get(f"{TARGETS}/p/*")).json()
    assert (told["state"], list(told["names"])) == ("open", ["bad"])


async def test_an_unknown_target_is_a_problem_that_names_the_nearest(site: Site) -> None:
    answer = await site.client.get(f"{TARGETS}/q/deep/n")
    check_problem(answer, 404, "no_target")
    assert "'q/deep/m'" in answer.json()["detail"]
    for path in ("/fleetgate/v1/nothing", "/fleetgate/v1/", "/fleetgate/v1"):
        check_problem(await site.client.get(path), 404, "no_resource")


async def test_a_resource_says_which_methods_it_takes(site: Site) -> None:
    for method, path, allowed in (
        ("DELETE", "p/m", "GET"),
        ("PUT", "p/m", "GET"),
        ("GET", "p/m/state", "PUT"),
        ("DELETE", "p/m/state", "PUT"),
        ("OPTIONS", "p/m/state", "PUT"),
    ):
        check_problem(answer := await site.client.request(method, f"{TARGETS}/{path}"), 405, "method")
        assert answer.headers["allow"] == allowed


async def test_a_model_may_be_called_state(site: Site) -> None:
    target = Target("p", "a/state", "p/a/state")
    site.snapshot = replace(site.snapshot, catalog=Catalog.of([Model("m", (target, Target("p", "a", "p/a")))]))
    assert (await site.client.get(f"{TARGETS}/p/a/state")).json()["label"] == "p/a/state"
    assert (await site.order("p/a/state", {"state": "open"})).json()["label"] == "p/a/state"
    assert (await site.order("p/a", {"state": "open"})).json()["label"] == "p/a"


async def test_labels_are_read_as_they_are_written_in_the_configuration(site: Site) -> None:
    labels = ("p/50%", "p/modèle/日本", "p/../x", "p/a b?c#d")
    targets = tuple(Target("p", label[2:], label) for label in labels)
    site.snapshot = replace(site.snapshot, catalog=Catalog.of([Model("m", targets)]))
    for label in labels:
        path = quote(label, safe="").replace("..", "%2E%2E")  # slashes and dots as well, which some clients write so
        assert (await site.client.get(f"{TARGETS}/{path}")).json()["label"] == label


# ---------------------------------------------------------------- orders


async def test_an_order_holds_until_its_time_is_over(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "fleetgate.admin")
    answer = await site.order("p/m", {"state": "open", "for": "10m"})
    told = answer.json()
    assert (answer.status_code, told["state"], told["why"]) == (200, "open", "forced open by an operator")
    assert told["forced"] == {"state": "open", "until": "2027-01-15T08:10:00Z"}
    assert not site.gateway.health.of(site.target("p/m"), "m").look(site.clock.now_s()).passes
    site.clock.advance(601)
    told = (await site.client.get(f"{TARGETS}/p/m")).json()
    assert (told["state"], told["forced"]) == ("closed", None)
    assert [record.message for record in caplog.records] == ["target_forced"]
    assert caplog.records[0].__dict__["fields"] == {"target": "p/m", "state": "open", "seconds": 600.0}


async def test_closed_lets_calls_through_whatever_happens_and_auto_ends_that(site: Site) -> None:
    site.fail("p/m")
    told = (await site.order("p/m", {"state": "closed"})).json()
    assert (told["state"], told["forced"]) == ("closed", {"state": "closed", "until": None})
    told = (await site.order("p/m", {"state": "auto"})).json()
    assert (told["state"], told["forced"]) == ("open", None)


async def test_an_order_that_was_made_for_another_state_is_not_obeyed(site: Site) -> None:
    tag = (await site.client.get(f"{TARGETS}/p/m")).headers["etag"]
    first = await site.order("p/m", {"state": "open"}, if_match=tag)
    assert first.status_code == 200
    second = await site.order("p/m", {"state": "auto"}, if_match=tag)
    check_problem(second, 412, "changed")
    assert second.headers["etag"] == first.headers["etag"] != tag
    assert (await site.client.get(f"{TARGETS}/p/m")).json()["state"] == "open"
    check_problem(await site.order("p/m", {"state": "auto"}, if_match=f"W/{first.headers['etag']}"), 412, "changed")
    third = await site.order("p/m", {"state": "auto"}, if_match=f'"x", {first.headers["etag"]}')
    assert third.json()["forced"] is None
    assert (await site.order("p/m", {"state": "auto"}, if_match="*")).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_state"),
        ({"state": "ajar"}, "invalid_state"),
        ({"state": ["open"]}, "invalid_state"),
        ({"state": None}, "invalid_state"),
        ({"state": "open", "for": "soon"}, "invalid_for"),
        ({"state": "open", "for": 10}, "invalid_for"),
        ({"state": "open", "for": "0s"}, "invalid_for"),
        ({"state": "open", "for": "31d"}, "invalid_for"),
        ({"state": "auto", "for": "1m"}, "invalid_for"),
        ({"state": "open", "untl": "1m"}, "unknown_key"),
        ([], "invalid_json"),
    ],
)
async def test_an_order_of_nonsense_changes_nothing(site: Site, body: Any, code: str) -> None:
    check_problem(await site.order("p/m", body), 400, code)
    assert site.gateway.health.at(site.target("p/m")).forced is None


async def test_a_body_must_be_short_json(site: Site) -> None:
    path, kind = f"{TARGETS}/p/m/state", {"content-type": "application/json"}
    check_problem(await site.client.put(path, content=b"{", headers=kind), 400, "invalid_json")
    check_problem(await site.client.put(path, content=b"x=1"), 415, "media_type")
    check_problem(await site.client.put(path, content=b" " * 70_000, headers=kind), 413, "too_large")
    check_problem(await site.order("p/nobody", {"state": "open"}), 404, "no_target")
