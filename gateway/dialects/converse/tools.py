"""Tools, and the choice among them, as Messages has them; Amazon's own tools are left out and named."""

from gateway.dialects.converse.blocks import Blocks, hint, member
from gateway.dialects.shapes import Dropped, Fields, Object, mapping, objects, optional, said, wrong

_SPEC = ("name", "description", "inputSchema", "strict")


def tools_of(config: Object, dropped: Dropped) -> Fields:
    """The fields `tools` and `tool_choice`; `config` is `toolConfig`."""
    dropped.others(config, ("tools", "toolChoice"), "toolConfig.")
    tools: Blocks = []
    for tool, place in objects(config.get("tools"), "toolConfig.tools"):
        match kind := member(tool, place):
            case "toolSpec":
                tools.append(_tool(mapping(tool[kind], f"{place}.toolSpec"), f"{place}.toolSpec", dropped))
            case "cachePoint":
                hint(tools, tool)
            case _:
                dropped.add(place, kind)
    choice = optional(config.get("toolChoice"), "toolConfig.toolChoice")
    told: Fields = {"tools": tools} if tools else {}
    return told | {"tool_choice": _choice(choice)} if choice else told


def _tool(spec: Object, place: str, dropped: Dropped) -> Fields:
    dropped.others(spec, _SPEC, "toolConfig.tools.toolSpec.")
    schema = mapping(spec.get("inputSchema"), f"{place}.inputSchema").get("json")
    tool: Fields = {"name": said(spec.get("name"), f"{place}.name")}
    tool["input_schema"] = mapping(schema, f"{place}.inputSchema.json")
    return tool | {name: spec[name] for name in ("description", "strict") if spec.get(name) is not None}


def _choice(choice: Object) -> Fields:
    place = "toolConfig.toolChoice"
    match kind := member(choice, place):
        case "auto" | "any":
            return {"type": kind}
        case "tool":
            tool = mapping(choice[kind], f"{place}.tool")
            return {"type": "tool", "name": said(tool.get("name"), f"{place}.tool.name")}
    raise wrong(place, "an object with 'auto', 'any' or 'tool'")
