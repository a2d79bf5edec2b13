"""Who may use the admin API: whoever has its key, or, where the gateway asks nobody for a key, everybody on this machine."""

import hmac

from gateway.core.snapshot import Snapshot
from gateway.identity.keys import digest
from gateway.web.admin.problems import Problem

_CHALLENGE = {"www-authenticate": 'Bearer realm="fleetgate admin"'}


def check_access(authorization: str | None, snapshot: Snapshot) -> None:
    """Raises a `Problem` for who may not. Without any keys the gateway listens on loopback only, and the API is open, too."""
    if snapshot.admin_key is None:
        if snapshot.keys:
            raise Problem(403, "no_admin_key", "This gateway has no admin key. Set auth.admin_key in its configuration.")
        return
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Problem(401, "admin_key_missing", "Send 'Authorization: Bearer ADMIN_KEY' (auth.admin_key).", _CHALLENGE)
    if not hmac.compare_digest(digest(snapshot.pepper, key.strip()), snapshot.admin_key):
        raise Problem(
            401, "admin_key_wrong", "This is not the admin key; the keys of tenants do not open this API.", _CHALLENGE
        )
