"""What a message or a result is made of, in the words of a chat."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.dialects import shapes

Part = dict[str, Any]

_TEXTS: Final = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
_IMAGES: Final = ("input_image", "computer_screenshot", "image_url")


def content(value: object, place: str) -> str | list[Part]:
    """A message's content; one text alone as a string, which is what every provider takes."""
    if value is None or isinstance(value, str):
        return value or ""
    return _plain([_part(*each) for each in shapes.objects(value, place)])


def result(value: object, place: str) -> str | list[Part]:
    """What a tool gave back: text, parts, or anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping) and value.get("type") in _IMAGES:
        return [_part(value, place)]
    if isinstance(value, list) and all(isinstance(one, dict) and _is_known(one) for one in value):
        return _plain([_part(*each) for each in shapes.objects(value, place)])
    return shapes.written(value, place)


def words(value: object, place: str) -> tuple[str, str]:
    """The text and the refusal of an assistant's message, whose parts say nothing else."""
    if value is None or isinstance(value, str):
        return value or "", ""
    said, refused = [], []
    for part, at in shapes.objects(value, place):
        if part.get("type") == "refusal":
            refused.append(shapes.text(part.get("refusal"), f"{at}.refusal"))
        elif part.get("type") in _TEXTS:
            said.append(shapes.text(part.get("text"), f"{at}.text"))
        else:
            raise shapes.wrong(f"{at}.type", "output_text or refusal in a message of the assistant's")
    return "".join(said), "".join(refused)


def _plain(parts: list[Part]) -> str | list[Part]:
    if not parts:
        return ""
    only = parts[0]["text"] if len(parts) == 1 and parts[0].keys() == {"type", "text"} else None
    return only if isinstance(only, str) else parts


def _is_known(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    return kind in (*_TEXTS, *_IMAGES, "input_file", "input_audio", "refusal")


def _part(part: Mapping[str, Any], place: str) -> Part:
    kind = part.get("type")
    if kind in _TEXTS:
        return {"type": "text", "text": shapes.text(part.get("text"), f"{place}.text")}
    if kind in _IMAGES:
        return _image(part, place)
    if kind == "input_file":
        return _file(part, place)
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": shapes.mapping(part.get("input_audio"), f"{place}.input_audio")}
    if kind == "refusal":
        return {"type": "text", "text": shapes.text(part.get("refusal"), f"{place}.refusal")}
    raise shapes.wrong(f"{place}.type", "input_text, input_image, input_file or input_audio")


def _image(part: Mapping[str, Any], place: str) -> Part:
    url = part.get("image_url")
    if isinstance(url, Mapping):  # as a chat has it: some clients mix the two
        return {"type": "image_url", "image_url": url}
    if url is None and isinstance(part.get("file_id"), str):
        return {"type": "file", "file": {"file_id": part["file_id"]}}
    image: Part = {"url": shapes.text(url, f"{place}.image_url")}
    if isinstance(part.get("detail"), str):
        image["detail"] = part["detail"]
    return {"type": "image_url", "image_url": image}


def _file(part: Mapping[str, Any], place: str) -> Part:
    names = ("filename", "file_data", "file_id", "file_url")
    file = {name: shapes.text(part[name], f"{place}.{name}") for name in names if part.get(name) is not None}
    if not file.keys() & {"file_data", "file_id", "file_url"}:
        raise shapes.wrong(place, "a file with file_data, file_id or file_url")
    return {"type": "file", "file": file}
