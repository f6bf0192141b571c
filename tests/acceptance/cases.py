"""The numbered cases as data, and whether an answer is what one of them expects.

`cases.yaml` is the list the product was asked for; its head explains every field.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

__all__ = ["CASES", "Case", "differences"]

Case = Mapping[str, Any]

_FILE: Final = Path(__file__).with_name("cases.yaml")
CASES: Final[dict[str, Case]] = {case["id"]: case for case in yaml.safe_load(_FILE.read_text())}
_TYPES: Final = {"object": dict, "array": list}


def differences(case: Case, answer: httpx.Response) -> list[str]:
    """Return what of an answer is not as the case expects, empty when all is."""
    if answer.status_code not in case["expect_status"]:
        return [f"status {answer.status_code}, expected {case['expect_status']}: {answer.text[:600]}"]
    found: list[str] = []
    if not answer.headers.get("content-type", "").startswith(case["content_type"]):
        found.append(f"content type {answer.headers.get('content-type')!r}, expected {case['content_type']}")
    if case["expect_body"] == "text":
        return found + [f"no {text!r} in the text" for text in case.get("expect_text", ()) if text not in answer.text]
    body = answer.json()
    if not isinstance(body, _TYPES[case["expect_body"]]):
        return [*found, f"the body is no {case['expect_body']}: {str(body)[:300]}"]
    if isinstance(body, dict):
        found += [f"no field {name!r} in {sorted(body)}" for name in case["expect_fields"] if name not in body]
    else:
        fields = case.get("expect_item_fields", ())
        found += [f"no field {name!r} in {sorted(item)}" for item in body[:1] for name in fields if name not in item]
    for wanted in case.get("expect_nested", ()):
        found += _nested(body, wanted)
    return found


def _nested(body: Any, wanted: str) -> Iterator[str]:
    for sign in ("=", "~", "!"):
        path, found, text = wanted.partition(sign)
        if found:
            values = list(_values(body, path.split(".")))
            if not values:
                yield f"nothing at {path}"
            for value in values:
                if not _agrees(value, sign, text):
                    yield f"{path} is {value!r}, expected {sign}{text}"
            return
    if not any(True for _ in _values(body, wanted.split("."))) and "*" not in wanted:
        yield f"nothing at {wanted}"


def _agrees(value: Any, sign: str, text: str) -> bool:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    if sign == "~":
        return text in shown
    if sign == "!":
        return shown != text
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) == float(text)
    return shown == text or (value is None and text == "null")


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
        return
    name, rest = path[0], path[1:]
    if name == "*":
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for item in items:
            yield from _values(item, rest)
    elif isinstance(value, dict) and name in value:
        yield from _values(value[name], rest)
    elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
        yield from _values(value[int(name)], rest)
