"""AWS's signature, version 4, by botocore: whoever has no API key for Bedrock signs with the credentials of an AWS account.

They come from where AWS's own tools take them: the environment, a profile, the metadata of a container or a machine. Finding
and renewing them may ask a server, so that all of it is done in a thread. botocore is an extra, and imported when it is needed.
"""

import asyncio
import importlib
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from gateway.core.catalog import ProviderSpec
from gateway.core.clock import Clock, SystemClock
from gateway.core.errors import ProviderNotConfigured, UpstreamCredentials
from gateway.providers.transport.contract import Header, Outgoing

SERVICE: Final = "bedrock"
"""The name that signatures are made for; the host's first part is another."""
FRESH_S: Final = 300.0
"""How long credentials are good that cannot renew themselves: whoever keeps them in a file may have written others."""
REST_S: Final = 15.0
"""How long it is remembered that there are no credentials: looking for them takes seconds where there is no machine to ask."""

_SIGNED: Final = (b"content-type",)
_CLOCK: Final = SystemClock()


def signer(spec: ProviderSpec) -> "SigV4 | None":
    """What signs the requests of this provider; None where it has an API key."""
    return None if any(spec.api_keys) else SigV4(spec)


class SigV4:
    """Signs requests of one provider. See `gateway.providers.wire.Signer`."""

    def __init__(self, spec: ProviderSpec, clock: Clock = _CLOCK) -> None:
        self._spec = spec
        self._clock = clock
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._settled_until_s = 0.0

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        """The same request with its signature. Raises `ProviderNotConfigured` where there is nothing to sign with."""
        signature = await asyncio.to_thread(self._signature, outgoing)
        kept = [one for one in outgoing.headers if one[0] not in signature]
        return outgoing._replace(headers=[*kept, *signature.items()])

    def _signature(self, outgoing: Outgoing) -> Mapping[bytes, bytes]:
        """The headers that make the signature; runs in a thread."""
        auth, request = _botocore("auth"), _botocore("awsrequest")
        exceptions = _botocore("exceptions")
        try:
            credentials = self._found().get_frozen_credentials()
        except exceptions.ProfileNotFound as error:
            raise ProviderNotConfigured(f"AWS has no profile {self._spec.profile!r} on this machine.") from error
        # RuntimeError: they were renewed, and are over all the same. Its words may name files, servers and roles.
        except (exceptions.BotoCoreError, exceptions.ClientError, RuntimeError) as error:
            raise UpstreamCredentials(f"AWS's credentials cannot be had: {type(error).__name__}.") from error
        origin = urlsplit(self._spec.base_url)
        url = urlunsplit((origin.scheme, origin.netloc.rpartition("@")[2], outgoing.path.decode("ascii"), "", ""))
        signed = {name.decode(): value.decode("latin-1") for name, value in outgoing.headers if name in _SIGNED}
        asked = request.AWSRequest(outgoing.method.decode(), url, headers=signed, data=outgoing.body)
        auth.SigV4Auth(credentials, SERVICE, self._spec.location).add_auth(asked)
        return dict(_header(name, value) for name, value in asked.headers.items() if name.lower() not in signed)

    def _found(self) -> Any:
        """The account's credentials: looked for once where they renew themselves, else from time to time."""
        with self._lock:
            if not hasattr(self._credentials, "refresh_needed") and self._clock.now_s() >= self._settled_until_s:
                found = _botocore("session").Session(profile=self._spec.profile).get_credentials()
                self._credentials = found or self._credentials
                self._settled_until_s = self._clock.now_s() + (FRESH_S if self._credentials is not None else REST_S)
            if self._credentials is None:
                raise ProviderNotConfigured(
                    f"The provider {self._spec.name!r} has no credentials: set AWS_BEARER_TOKEN_BEDROCK to an API key of "
                    "Bedrock, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role."
                )
            return self._credentials


def _header(name: str, value: str | bytes) -> Header:
    return name.lower().encode(), value if isinstance(value, bytes) else value.encode("latin-1")


def _botocore(name: str) -> Any:
    try:
        return importlib.import_module(f"botocore.{name}")
    except ImportError as error:
        raise ProviderNotConfigured(
            "Signing requests to AWS needs botocore: pip install 'fleetgate[bedrock]', or use an API key of Bedrock."
        ) from error
