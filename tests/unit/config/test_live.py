"""The swap: prepared before it counts, retired after; a bad file changes nothing; files are followed."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.inputs import Inputs
from gateway.config.live import Change, Live
from gateway.config.load import ConfigRefused, examine
from gateway.telemetry.tasks import Tasks
from tests.unit.config.folders import ECHO
from tests.unit.config.living import OTHER, Root, following, heard, live_on, target


async def test_the_first_configuration_is_prepared_before_it_counts(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    with pytest.raises(RuntimeError, match="before start"):
        _ = live.current
    loaded = await live.start()
    assert live.current.upstreams
    assert root.prepared[0][1] is None
    assert (loaded.path, live.loaded) == (path, loaded)


async def test_a_configuration_examined_before_is_taken_as_it_is(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    examined = await asyncio.to_thread(examine, Inputs(path, {}))
    path.write_text("broken: [")
    await live.start(examined)
    assert target(live) == "echo"


async def test_a_first_configuration_that_does_not_hold_is_refused(tmp_path: Path) -> None:
    live, _ = live_on(tmp_path, Root(), "sever: {}")
    with pytest.raises(ConfigRefused, match="did you mean 'server'"):
        await live.start()


async def test_a_changed_file_is_swapped_in_whole(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    old = live.current
    path.write_text(OTHER)
    reload = await live.reload()
    assert (reload.change, reload.version) == (Change.SWAPPED, live.current.version)
    assert target(live) == "other"
    assert root.retired == [(old, live.current)]
    assert root.prepared[1][1] is old
    assert root.reloads == [reload]


async def test_the_old_one_stands_until_the_new_one_is_prepared(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    path.write_text(OTHER)
    root.gate.clear()
    root.asked.clear()
    task = asyncio.get_running_loop().create_task(live.reload())
    await root.asked.wait()
    assert target(live) == "echo"
    assert root.retired == []
    root.gate.set()
    await task
    assert target(live) == "other"


async def test_a_change_of_comments_alone_swaps_nothing(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    old = live.current
    path.write_text(f"# said better\n{ECHO}")
    assert (await live.reload()).change is Change.UNCHANGED
    assert live.current is old
    assert len(root.prepared) == 1


@pytest.mark.parametrize("broken", ["models: [", "sever: {}", "server: { listen: 0.0.0.0:1 }", None])
async def test_a_bad_file_changes_nothing_and_says_why(
    tmp_path: Path, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    old = live.current
    if broken is None:
        path.unlink()
    else:
        path.write_text(broken)
    with caplog.at_level(logging.ERROR, "fleetgate.config"):
        reload = await live.reload()
    assert (reload.change, reload.version, live.current) == (Change.REFUSED, old.version, old)
    assert reload.problems
    assert all(str(path) in record.fields["where"] for record in caplog.records)  # type: ignore[attr-defined]
    path.write_text(OTHER)
    assert (await live.reload()).change is Change.SWAPPED


async def test_a_provider_that_cannot_be_opened_changes_nothing(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    old, root.fails = live.current, OSError("no such CA")
    path.write_text(OTHER)
    reload = await live.reload()
    assert (reload.change, live.current) == (Change.REFUSED, old)
    assert "no such CA" in reload.problems[0].message
    assert root.retired == []


async def test_a_provider_that_cannot_be_opened_at_the_start_is_refused(tmp_path: Path) -> None:
    root = Root()
    root.fails = ValueError("no such scheme")
    live, _ = live_on(tmp_path, root)
    with pytest.raises(ConfigRefused, match="no such scheme"):
        await live.start()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("server: { listen: 127.0.0.1:9 }", "server.listen"),
        ("server: { workers: 2 }", "server.workers"),
        ("stores: { hot: redis://h }", "stores.hot"),
        ("stores: { ledger: sqlite:///x.db }", "stores.ledger"),
    ],
)
async def test_what_only_a_restart_changes_is_refused_by_name(tmp_path: Path, text: str, key: str) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    path.write_text(f"{OTHER}{text}\n")
    reload = await live.reload()
    (problem,) = reload.problems
    assert (reload.change, problem.key, problem.line) == (Change.REFUSED, key, 3)
    assert problem.hint == "restart it, or put the old value back"
    assert target(live) == "echo"


async def test_a_change_that_opens_the_gateway_to_everybody_is_refused(tmp_path: Path) -> None:
    keys = "tenants: { t: { keys: [ { name: a, key: k1 } ] } }\n"
    path = tmp_path / "config.yaml"
    path.write_text(ECHO + keys)
    root = Root()
    live = Live(Inputs(path, {}, host="0.0.0.0"), root.prepare, root.retire)
    await live.start()
    path.write_text(ECHO)
    reload = await live.reload()
    assert (reload.change, [one.rule for one in reload.problems]) == (Change.REFUSED, ["exposed"])
    assert live.current.keys


async def test_reloads_do_not_overlap(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    path.write_text(OTHER)
    changes = [reload.change for reload in await asyncio.gather(*(live.reload() for _ in range(5)))]
    assert [changes.count(one) for one in (Change.SWAPPED, Change.UNCHANGED)] == [1, 4]
    assert len(root.retired) == 1


async def test_without_a_file_a_reload_changes_nothing() -> None:
    root = Root()
    live = Live(Inputs(None, {}), root.prepare, root.retire)
    await live.start()
    assert (await live.reload()).change is Change.UNCHANGED


# ---------------------------------------------------------------- following files


def rewritten(path: Path) -> None:
    path.write_text(OTHER)


def replaced(path: Path) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(OTHER)
    os.utime(fresh, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    fresh.replace(path)


@pytest.mark.parametrize("change", [rewritten, replaced])
async def test_a_file_that_changes_is_read_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    async with following(live):
        change(path)
        assert (await heard(root)).change is Change.SWAPPED
        assert target(live) == "other"


async def test_a_bad_file_is_complained_about_once_and_its_correction_is_taken(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    async with following(live):
        path.write_text("sever: {}")
        assert (await heard(root)).change is Change.REFUSED
        await asyncio.sleep(0.1)
        assert len(root.reloads) == 1
        path.write_text(OTHER)
        assert (await heard(root)).change is Change.SWAPPED


async def test_policies_and_secret_files_are_followed_too(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_text("a")
    root = Root()
    live, _ = live_on(tmp_path, root, f"auth: {{ pepper: file:pepper }}\n{ECHO}")
    async with following(live):
        (tmp_path / "pepper").write_text("bb")
        assert (await heard(root)).change is Change.SWAPPED
        assert live.current.pepper == b"bb"
        (tmp_path / "policies").mkdir()
        (tmp_path / "policies" / "a.yaml").write_text("policy: a\n")
        assert (await heard(root)).change is Change.SWAPPED
        (tmp_path / "policies" / "a.yaml").unlink()
        assert (await heard(root)).change is Change.SWAPPED


async def test_what_changed_while_it_was_being_read_is_read_again(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    examined = await asyncio.to_thread(examine, Inputs(path, {}))
    path.write_text(OTHER)
    await live.start(examined)
    tasks = Tasks()
    tasks.spawn(live.watch())
    assert (await heard(root)).change is Change.SWAPPED
    await tasks.aclose()


# ---------------------------------------------------------------- auth stays on

KEYS = "tenants: { t: { keys: [ { name: a, key: sk-fg-0123456789abcdef } ] } }\n"


@pytest.mark.parametrize("text", ["", "# saving...\n", "---\n", "{}\n"])
async def test_a_file_without_content_changes_nothing(tmp_path: Path, text: str) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    path.write_text(text)
    reload = await live.reload()
    (problem,) = reload.problems
    assert (reload.change, problem.rule) == (Change.REFUSED, "empty-file")
    assert target(live) == "echo"


@pytest.mark.parametrize("text", ["", "server:\n  drain: 5s\n", ECHO, f"{ECHO}tenants:\n", f"{ECHO}tenants: {{ t: }}\n"])
async def test_a_file_without_keys_does_not_switch_auth_off(tmp_path: Path, text: str) -> None:
    root = Root()
    live, path = live_on(tmp_path, root, ECHO + KEYS)
    await live.start()
    path.write_text(text)
    reload = await live.reload()
    (problem,) = reload.problems
    assert (reload.change, problem.rule) == (Change.REFUSED, "needs-restart" if text else "empty-file")
    assert "restart" in problem.hint
    assert live.current.keys
    path.write_text(OTHER + KEYS.replace("abcdef", "fedcba"))
    assert (await live.reload()).change is Change.SWAPPED


async def test_what_begins_without_content_or_keys_goes_on_without(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root, "")
    await live.start()
    path.write_text("# nothing yet\n")
    assert (await live.reload()).change is Change.UNCHANGED
    path.write_text(ECHO)
    assert (await live.reload()).change is Change.SWAPPED
    path.write_text(ECHO + KEYS)
    assert (await live.reload()).change is Change.SWAPPED


# ---------------------------------------------------------------- what a reload tells


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.fields["why"] for record in caplog.records if record.levelno == logging.WARNING]  # type: ignore[attr-defined]


async def test_the_warnings_of_a_reload_are_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    path.write_text(f"{ECHO}policies: ./nowhere\n")
    assert (await live.reload()).change is Change.SWAPPED
    (why,) = warned(caplog)
    assert "there is no folder './nowhere'" in why
    path.write_text(f"# moved by a line\n{ECHO}policies: ./nowhere\n")
    assert (await live.reload()).change is Change.UNCHANGED
    assert len(warned(caplog)) == 1
    path.write_text(f"{ECHO}policies: ./nowhere\nauth: {{ pepper: literally }}\n")
    await live.reload()
    assert len(warned(caplog)) == 2
    path.write_text(ECHO)
    await live.reload()
    path.write_text(f"{ECHO}policies: ./nowhere\n")
    await live.reload()
    assert len(warned(caplog)) == 3


async def test_what_the_start_has_told_a_reload_does_not_tell_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    live, _ = live_on(tmp_path, Root(), f"{ECHO}policies: ./nowhere\n")
    await live.start()
    await live.reload()
    assert warned(caplog) == []


async def test_reloads_that_are_asked_for_while_one_waits_join_it(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    path.write_text(OTHER)
    await asyncio.gather(*(live.reload() for _ in range(50)))
    assert len(root.reloads) == 2
    path.write_text(ECHO)
    assert (await live.reload()).change is Change.SWAPPED


async def test_a_reload_that_is_called_off_answers_nobody(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    await live.start()
    path.write_text(OTHER)
    root.gate.clear()
    root.asked.clear()
    tasks = Tasks()
    first, second = tasks.spawn(live.reload()), tasks.spawn(live.reload())
    await root.asked.wait()
    first.cancel()
    root.running = 0
    root.gate.set()
    assert (await second).change is Change.SWAPPED
    assert target(live) == "other"


# ---------------------------------------------------------------- CA files


async def test_a_ca_file_that_is_rotated_opens_its_provider_anew(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("one")
    text = "providers: { o: { api_keys: x, ca_file: ca.pem }, echo: { wire: echo } }\nmodels: { e: echo/e }\n"
    root = Root()
    live, _ = live_on(tmp_path, root, text)
    async with following(live):
        before = live.current
        ca.write_text("two")
        assert (await heard(root)).change is Change.SWAPPED
        assert live.current.version != before.version
        assert live.current.providers["o"] != before.providers["o"]
        assert live.current.providers["echo"] == before.providers["echo"]
        ca.unlink()
        assert (await heard(root)).change is Change.REFUSED
        ca.write_text("two")
        assert (await heard(root)).change is Change.UNCHANGED


async def test_a_service_account_that_is_rotated_opens_its_provider_anew_and_a_broken_one_does_not(tmp_path: Path) -> None:
    key = tmp_path / "key.json"

    def rotate(name: str) -> None:
        key.write_text(f'{{"client_email": "{name}@x", "private_key": "-", "token_uri": "https://x"}}')

    rotate("one")
    text = "providers: { v: { wire: vertex, project: x, credentials_file: key.json } }\nmodels: { m: v/m }\n"
    root = Root()
    live, _ = live_on(tmp_path, root, text)
    async with following(live):
        first = live.current.providers["v"]
        rotate("two")
        assert (await heard(root)).change is Change.SWAPPED
        second = live.current.providers["v"]
        assert second != first
        key.write_text("{")
        assert (await heard(root)).change is Change.REFUSED
        assert live.current.providers["v"] == second
