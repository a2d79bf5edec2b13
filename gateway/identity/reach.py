"""What a tenant can reach: the models it may ask for, the providers behind them, and who else is there."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final
from urllib.parse import urlsplit

from gateway.core.catalog import Catalog, Model, ProviderSpec
from gateway.core.errors import ModelNotFound
from gateway.core.passage import carries
from gateway.core.snapshot import Snapshot
from gateway.core.tenant import Tenant

_PROJECTS: Final = frozenset({"openai-project", "openai-organization"})
"""Headers that tell apart what one key can reach."""


def allowed_model(catalog: Catalog, tenant: Tenant, name: str) -> Model:
    """The model of this name. Raises `ModelNotFound` for one that does not exist or is not the tenant's."""
    model, allowed = catalog.find(name), tenant.models
    if model is None or (allowed is not None and name not in allowed and model.name not in allowed):
        raise ModelNotFound(name, catalog.nearest(name, allowed), catalog.told(allowed))
    return model


def carriers(snapshot: Snapshot, tenant: Tenant) -> Sequence[str]:
    """The providers that take the tenant's passages, as configured."""
    return [name for name, spec in snapshot.providers.items() if carries(spec) and reaches(snapshot.catalog, tenant, name)]


def reaches(catalog: Catalog, tenant: Tenant, provider: str) -> bool:
    """Whether one of the tenant's models has a target at the provider; who may ask for all models may use all providers."""
    return tenant.models is None or any(_is_at(model, provider) for model in _known(catalog, tenant.models))


def is_shared(snapshot: Snapshot, tenant: Tenant, provider: str) -> bool:
    """Whether another tenant can use the provider's account, too: under its name or another, or as what failover ends at."""
    spec = snapshot.providers[provider]
    names = [name for name, other in snapshot.providers.items() if name == provider or _is_one_account(spec, other)]
    lists = {entry.principal.tenant.models for entry in snapshot.keys.values() if entry.principal.tenant.name != tenant.name}
    return any(models is None or _ends_at(snapshot.catalog, models, names) for models in lists)


def _known(catalog: Catalog, names: Iterable[str]) -> Iterator[Model]:
    return (model for name in names if (model := catalog.find(name)) is not None)


def _is_at(model: Model, provider: str) -> bool:
    return any(target.provider == provider for target in model.targets)


def _ends_at(catalog: Catalog, models: frozenset[str], providers: Sequence[str]) -> bool:
    known = list(_known(catalog, models))
    failover = {name for model in known for name in model.failover.values()} - {"next"}
    others = _known(catalog, failover)
    return any(_is_at(model, name) for model in (*known, *others) for name in providers)


def _is_one_account(one: ProviderSpec, other: ProviderSpec) -> bool:
    """Whether two providers are the same account under two names, as far as a configuration can tell."""
    if not carries(other):
        return False
    keys = set(one.api_keys) & set(other.api_keys) or not (one.api_keys or other.api_keys)
    return bool(keys) and urlsplit(one.base_url).netloc == urlsplit(other.base_url).netloc and _project(one) == _project(other)


def _project(spec: ProviderSpec) -> dict[str, str]:
    return {name.lower(): value for name, value in spec.headers if name.lower() in _PROJECTS}


def scoped(key: bytes, tenant: Tenant) -> bytes:
    """An idempotency key as the tenant's own: two tenants behind one account of the provider must never meet in one."""
    return blake2b(tenant.name.encode() + b"\0" + key, digest_size=20).hexdigest().encode()
