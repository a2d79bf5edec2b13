"""Who may call: tenants, their keys, and what each may use."""

from typing import Literal

from pydantic import Field, model_validator

from gateway.config.models.section import Count, Duration, RateOf, SecretStr, Section, SpendOf, Usd, unexpected


class Limit(Section):
    """One limit on speed; each entry of the list names one."""

    requests: RateOf | None = Field(default=None, description="Requests in a period.")
    tokens: RateOf | None = Field(default=None, description="Tokens in a period.")
    concurrent: int | None = Field(default=None, ge=1, description="Calls at once.")

    @model_validator(mode="after")
    def _names_one(self) -> "Limit":
        if len(self.model_fields_set) != 1:
            raise unexpected("one of requests, tokens and concurrent in each entry, as { requests: 600/min }")
        return self


class Budget(Section):
    """One budget; each entry of the list names one."""

    usd: SpendOf | None = Field(default=None, description="Money in a period.")
    tokens: RateOf | None = Field(default=None, description="Tokens in a period.")

    @model_validator(mode="after")
    def _names_one(self) -> "Budget":
        if len(self.model_fields_set) != 1:
            raise unexpected("one of usd and tokens in each entry, as { usd: 200/day }")
        return self


class SessionBounds(Section):
    """What one run of an agent may use."""

    usd: Usd | None = Field(default=None, description="Money in all.")
    tokens: Count | None = Field(default=None, description="Tokens in all.")
    steps: int | None = Field(default=None, ge=1, description="Calls in all.")
    wall: Duration | None = Field(default=None, description="Time from its first call.")


class Key(Section):
    """A key of a tenant; the name is what logs and metrics show."""

    name: str = Field(min_length=1, description="Its name in logs and metrics, unique in its tenant.")
    key: SecretStr = Field(description="The text that callers send; a reference rather than a literal.")
    limits: list[Limit] = Field(default_factory=list, description="Limits on speed, besides the tenant's.")
    budgets: list[Budget] = Field(default_factory=list, description="Budgets, besides the tenant's.")


class Tenant(Section):
    """A paying unit: its keys, its models, its bounds."""

    weight: int = Field(default=1, ge=1, le=1_000, description="Its share of a contended line.")
    models: list[str] | None = Field(default=None, description="The models it may ask for; without it every one.")
    limits: list[Limit] = Field(default_factory=list, description="Limits on speed.")
    budgets: list[Budget] = Field(default_factory=list, description="Budgets.")
    session: SessionBounds = Field(default_factory=SessionBounds, description="What each run of an agent may use.")
    pool: str = Field(default="default", min_length=1, description="The pool of capacity that it draws from.")
    bodies: Literal["off", "metadata", "redacted", "full"] = Field(default="off", description="What is kept of both bodies.")
    keys: list[Key] = Field(default_factory=list, description="The keys that stand for it.")
