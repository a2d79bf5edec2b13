"""What `fleetgate init` writes: a configuration that runs, a first policy, and the schemas that editors check them by."""

from collections.abc import Mapping
from importlib.resources import files

from gateway.config.schema import config_schema, policy_schema, schema_text


def initial_config() -> str:
    """The text of a new user's config.yaml."""
    return _packaged("default.yaml")


def initial_files() -> Mapping[str, str]:
    """Every file that `init` writes, by its path beside config.yaml."""
    return {
        "config.yaml": initial_config(),
        "policies/default.yaml": _packaged("default_policy.yaml"),
        "fleetgate.schema.json": schema_text(config_schema()),
        "fleetgate.policy.schema.json": schema_text(policy_schema()),
    }


def _packaged(name: str) -> str:
    return files("gateway.config").joinpath(name).read_text("utf-8")
