"""What a tenant can reach: the models it may ask for, the providers behind them, and who else is there."""

from collections.abc import Sequence
from hashlib import blake2b

from gateway.core.catalog import Catalog, Model
from gateway.core.errors import ModelNotFound
from gateway.core.passage import carries
from gateway.core.snapshot import Snapshot
from gateway.core.tenant import Tenant


def allowed_model(catalog: Catalog, tenant: Tenant, name: str) -> Model:
    """The model of this name. Raises `ModelNotFound` for one that does not exist or is not the tenant's."""
    model, allowed = catalog.find(name), tenant.models
    if model is None or (allowed is not None and name not in allowed and model.name not in allowed):
        raise ModelNotFound(name, catalog.nearest(name, allowed))
    return model


def carriers(snapshot: Snapshot, tenant: Tenant) -> Sequence[str]:
    """The providers that take the tenant's passages, as configured."""
    return [name for name, spec in snapshot.providers.items() if carries(spec) and reaches(snapshot.catalog, tenant, name)]


def reaches(catalog: Catalog, tenant: Tenant, provider: str) -> bool:
    """Whether one of the tenant's models has a target at the provider; who may ask for all models may use all providers."""
    if tenant.models is None:
        return True
    found = (catalog.find(name) for name in tenant.models)
    return any(target.provider == provider for model in found if model is not None for target in model.targets)


def is_shared(snapshot: Snapshot, tenant: Tenant, provider: str) -> bool:
    """Whether another tenant can use the provider's account, too."""
    others = {entry.principal.tenant.name: entry.principal.tenant for entry in snapshot.keys.values()}
    return any(name != tenant.name and reaches(snapshot.catalog, other, provider) for name, other in others.items())


def scoped(key: bytes, tenant: Tenant) -> bytes:
    """An idempotency key as the tenant's own: two tenants behind one account of the provider must never meet in one."""
    return blake2b(tenant.name.encode() + b"\0" + key, digest_size=20).hexdigest().encode()
