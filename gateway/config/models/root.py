"""The whole of config.yaml."""

from typing import Annotated

from pydantic import Field

from gateway.config.models.catalog import ModelOrTarget, Price
from gateway.config.models.providers import Provider
from gateway.config.models.section import Entries, ListOrOne, Section
from gateway.config.models.server import Auth, Server, Stores
from gateway.config.models.tenants import Tenant


class Config(Section):
    """What `config.yaml` says; every key may be left out."""

    server: Server = Field(default_factory=Server, description="Where the process listens and what it takes.")
    stores: Stores = Field(default_factory=Stores, description="Where counters and accounts live.")
    auth: Auth = Field(default_factory=Auth, description="The gateway's own secrets.")
    providers: Annotated[dict[str, Provider], Entries] = Field(default_factory=dict, description="Who answers, by name.")
    models: dict[str, ModelOrTarget] = Field(
        default_factory=dict, description="What callers may ask for; `name*` and `*` take names that nothing else claims."
    )
    tiers: dict[str, Annotated[list[str], ListOrOne]] = Field(
        default_factory=dict, description="Models by rising cost, for policies to choose from."
    )
    prices: dict[str, Price] = Field(default_factory=dict, description="USD a million tokens, by provider/model.")
    tenants: Annotated[dict[str, Tenant], Entries] = Field(
        default_factory=dict, description="Who may call; without any key everybody on this machine may."
    )
    policies: str = Field(default="./policies", min_length=1, description="The folder of policy files.")
