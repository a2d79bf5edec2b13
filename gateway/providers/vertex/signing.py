"""The tokens that Vertex is called with: of a service account, or of Google's Application Default Credentials.

A token lives for an hour. It is fetched in a thread, once for all who wait for it, and a new one well before it ends, while
calls go on with the old one. google-auth is an extra, and imported when it is needed.
"""

import asyncio
import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from gateway.core.catalog import ProviderSpec
from gateway.core.clock import Clock, SystemClock
from gateway.core.errors import GatewayError, ProviderNotConfigured, UpstreamCredentials
from gateway.providers.transport.contract import Outgoing
from gateway.telemetry.tasks import Tasks

SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
RENEW_S: Final = 600.0
"""How long before its end a token is renewed."""
MARGIN_S: Final = 30.0
"""How long before its end a token is used no more, should it not be to be renewed."""
LIFE_S: Final = 1800.0
"""Of a token that does not say: half of what Google gives."""
REST_S: Final = 10.0
"""How long after a failure the next try waits."""
TIMEOUT_S: Final = 10.0
"""Of one request for a token; google-auth would wait for two minutes."""

_NONSENSE: Final = (ValueError, TypeError, LookupError, AttributeError)
"""What google-auth raises where a token endpoint answers with something else: a web page, a number."""
_CLOCK: Final = SystemClock()


class Token(NamedTuple):
    """A bearer token, and the Unix time of its end."""

    text: str
    ends_s: float


def signer(spec: ProviderSpec) -> "Bearer | None":
    """What signs the requests of this provider; None where it has an API key."""
    return None if any(spec.api_keys) else Bearer(Credentials(spec).token)


class Bearer:
    """Adds a token to requests. See `gateway.providers.wire.Signer`. `fetch` blocks, and runs in a thread."""

    def __init__(self, fetch: Callable[[], Token], clock: Clock = _CLOCK) -> None:
        self._fetch = fetch
        self._clock = clock
        self._tasks = Tasks()
        self._renewal: asyncio.Task[None] | None = None
        self._token: Token | None = None
        self._failure: GatewayError | None = None
        self._renews_s = 0.0

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        """The same request with its token. Raises `ProviderNotConfigured` or `UpstreamCredentials`."""
        if self._clock.wall_s() >= self._renews_s:
            renewal = self._renewing()
            if not self._lives:
                await asyncio.shield(renewal)  # others wait for it, too: nobody who leaves may end it
        token = self._token
        if token is None or not self._lives:
            raise self._failed()
        kept = [one for one in outgoing.headers if one[0] != b"authorization"]
        return outgoing._replace(headers=[*kept, (b"authorization", b"Bearer " + token.text.encode("latin-1", "replace"))])

    @property
    def _lives(self) -> bool:
        return self._token is not None and self._clock.wall_s() < self._token.ends_s - MARGIN_S

    def _renewing(self) -> asyncio.Task[None]:
        """The renewal that is under way; begun where there is none."""
        if self._renewal is None or self._renewal.done():
            self._renewal = self._tasks.spawn(self._renew(), "renew a token")
        return self._renewal

    async def _renew(self) -> None:
        try:
            token = await asyncio.to_thread(self._fetch)
        except (UpstreamCredentials, ProviderNotConfigured) as failure:
            self._failure = failure
            self._renews_s = self._clock.wall_s() + REST_S
            return
        self._token, self._failure = token, None
        self._renews_s = max(token.ends_s - RENEW_S, self._clock.wall_s() + REST_S)

    def _failed(self) -> GatewayError:
        """Why there is no token: as an error of its own for each call, since many may wait."""
        if self._failure is None:
            return UpstreamCredentials("The token that Google gave is over already; this machine's clock may be wrong.")
        return type(self._failure)(self._failure.message)


class Credentials:
    """Google's own, found when they are first needed; they know how to be refreshed."""

    def __init__(self, spec: ProviderSpec) -> None:
        self._spec = spec
        self._found: Any = None

    def token(self) -> Token:
        """A new token; blocks. One thread at a time. Raises `ProviderNotConfigured` or `UpstreamCredentials`."""
        exceptions = _google("google.auth.exceptions")
        try:
            if self._found is None:
                self._found = self._find()
            self._found.refresh(partial(_google("google.auth.transport.requests").Request(), timeout=TIMEOUT_S))
        except exceptions.DefaultCredentialsError:
            raise self._missing() from None
        except (exceptions.GoogleAuthError, OSError, *_NONSENSE) as error:
            # Its words, and those of what it came from, may hold parts of the key: the kind of error is all that is told.
            raise UpstreamCredentials(f"No token could be had from Google: {type(error).__name__}.") from None
        if not isinstance(self._found.token, str):
            raise UpstreamCredentials("No token could be had from Google: its answer has none.")
        return Token(self._found.token, _end_s(self._found.expiry))

    def _find(self) -> Any:
        file = self._spec.credentials_file
        if file is None:
            return _google("google.auth").default(scopes=SCOPES)[0]
        try:
            return _google("google.oauth2.service_account").Credentials.from_service_account_file(file, scopes=SCOPES)
        except (OSError, ValueError) as error:
            raise ProviderNotConfigured(
                f"The credentials_file of {self._spec.name!r} cannot be read as a service account's: {type(error).__name__}."
            ) from None

    def _missing(self) -> ProviderNotConfigured:
        return ProviderNotConfigured(
            f"The provider {self._spec.name!r} has no credentials: give it a credentials_file, set "
            "GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`."
        )


def _end_s(expiry: object) -> float:
    """google-auth has times of day in UTC without saying so."""
    if isinstance(expiry, datetime):
        return expiry.replace(tzinfo=UTC).timestamp() if expiry.tzinfo is None else expiry.timestamp()
    return _CLOCK.wall_s() + LIFE_S


def _google(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ProviderNotConfigured(
            "Tokens for Vertex need google-auth: pip install 'fleetgate[vertex]', or use an API key of Vertex' express mode."
        ) from error
