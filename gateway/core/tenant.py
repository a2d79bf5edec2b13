"""Who calls: tenants, their keys, and the principal that a key stands for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    """A paying unit. `models` are the names it may ask for; None: every one."""

    name: str
    models: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request: a tenant, through one of its keys."""

    tenant: Tenant
    key_name: str


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key as configured: its digest (`identity.keys.digest`), never its text."""

    digest: bytes
    principal: Principal


ANONYMOUS = Principal(Tenant("default"), "anonymous")
"""The caller where no keys are configured; possible on loopback only."""
