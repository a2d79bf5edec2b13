"""What a running gateway does not take over from a new configuration, and why. Pure."""

from collections.abc import Iterator

from gateway.config.load import Loaded
from gateway.config.problems import Finding, Problem, dotted


def needs_restart(old: Loaded, new: Loaded) -> tuple[Problem, ...]:
    """What stands against taking the place of `old`, at its place in the new file; empty: nothing."""
    if new.document is None:
        return ()
    if _emptied(old, new):
        hint = "write it again, or restart the gateway to go on without"
        return (new.document.place(Finding((), "there is nothing in the file any more", hint, rule="empty-file")),)
    return tuple(map(new.document.place, (*_fixed(old, new), *_unlocked(old, new))))


def _emptied(old: Loaded, new: Loaded) -> bool:
    """Somebody is writing it just now, or has lost it: whoever wants no configuration says so by a restart."""
    before, after = old.document and old.document.data, new.document and new.document.data
    return bool(before) and not after


def _fixed(old: Loaded, new: Loaded) -> Iterator[Finding]:
    message, hint = "cannot change while the gateway runs", "restart it, or put the old value back"
    for where, value in new.fixed.items():
        if old.fixed.get(where) != value:
            yield Finding(where, f"{dotted(where)} {message}", hint, rule="needs-restart")


def _unlocked(old: Loaded, new: Loaded) -> Iterator[Finding]:
    """A file that is cut off before its tenants looks just like one whose owner wants no keys."""
    if old.snapshot.keys and not new.snapshot.keys:
        message = "no key is left, and auth cannot go off while the gateway runs"
        hint = "restart it to serve without keys, or keep a key under tenants"
        yield Finding(("tenants",), message, hint, rule="needs-restart")
