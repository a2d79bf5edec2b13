"""A policy file: for whom, on which condition, what is done, and worked examples that a test evaluates."""

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.config.models.section import Count, Duration, ListOrOne, Section, Share

Names = Annotated[list[str], ListOrOne]


class Match(Section):
    """Which requests it concerns; every key that is given must fit."""

    tenant: Names | None = Field(default=None, description="Tenants.")
    key: Names | None = Field(default=None, description="Names of keys.")
    task: Names | None = Field(default=None, description="Task types that callers declare.")
    model: Names | None = Field(default=None, description="Models that were asked for.")
    tag: Names | None = Field(default=None, description="Tags of the request.")


class Route(Section):
    """Which models answer."""

    tier: str | None = Field(default=None, description="The tier to choose from.")
    model: str | None = Field(default=None, description="One model, whatever was asked.")
    router: str | None = Field(default=None, description="How to choose within the tier: rules, knn, linear or cascade.")
    escalate_to: str | None = Field(default=None, description="The tier to turn to when an answer is judged too weak.")


class SemanticCache(Section):
    """Answers to questions that mean the same."""

    wrong_at_most: Share | None = Field(default=None, description="The share of wrong answers that is accepted.")
    ttl: Duration | None = Field(default=None, description="How long an answer may be used.")


class CacheRule(Section):
    """Which answers may be used again."""

    exact: Duration | None = Field(default=None, description="How long the answer to the same request may be used.")
    semantic: SemanticCache | None = Field(default=None, description="Answers to questions that mean the same.")


class HoldRule(Section):
    """How a call waits where capacity is short."""

    deadline: Duration | None = Field(default=None, description="How long it may wait.")
    queue: str | None = Field(default=None, alias="class", description="The class of waiting: agent, interactive or batch.")


class PolicyTimeouts(Section):
    """The patience of a call."""

    first_token: Duration | None = Field(default=None, description="Until the first token.")
    total: Duration | None = Field(default=None, description="For the whole answer.")


class ToolRule(Section):
    """Which tools a model may be offered and may call."""

    allow: Names | None = Field(default=None, description="Patterns of tool names that may be used.")
    deny: Names | None = Field(default=None, description="Patterns of tool names that may not.")


class Then(Section):
    """What is done; the first rule that matches decides each action."""

    route: Route | None = Field(default=None, description="Which models answer.")
    cache: CacheRule | None = Field(default=None, description="Which answers may be used again.")
    hold: HoldRule | None = Field(default=None, description="How a call waits.")
    timeouts: PolicyTimeouts | None = Field(default=None, description="The patience of a call.")
    on_disconnect: Literal["cancel", "finish"] | None = Field(default=None, description="What happens when the caller leaves.")
    tools: ToolRule | None = Field(default=None, description="Which tools may be used.")


class Given(Section):
    """A request in short, for an example."""

    tenant: str | None = Field(default=None, description="Who asks.")
    key: str | None = Field(default=None, description="With which key, by name.")
    task: str | None = Field(default=None, description="The task type.")
    model: str | None = Field(default=None, description="The model that is asked for.")
    prompt: str | None = Field(default=None, description="The question.")
    tools: Names | None = Field(default=None, description="The tools that are offered.")
    tags: Names | None = Field(default=None, description="The tags of the request.")
    input_tokens: Count | None = Field(default=None, description="The length of the question.")
    stream: bool | None = Field(default=None, description="Whether a stream is asked for.")


class Example(Section):
    """A worked example: what must come of a request."""

    given: Given = Field(default_factory=Given, description="The request.")
    expect: dict[str, Any] = Field(default_factory=dict, description="What must come of it, by name: matched, tier, cache, ...")


class Policy(Section):
    """One policy, one file of the folder `policies`."""

    policy: str = Field(min_length=1, description="Its name.")
    order: int = Field(default=50, ge=0, le=1_000_000, description="Lower first.")
    match: Match = Field(default_factory=Match, description="Which requests it concerns; without it all.")
    when: str | None = Field(default=None, description="A CEL condition on the request.")
    then: Then = Field(default_factory=Then, description="What is done.")
    examples: list[Example] = Field(default_factory=list, description="Worked examples that a test evaluates.")
