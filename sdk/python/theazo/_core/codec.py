"""Between the API's JSON and our types, led by the types' own annotations."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, datetime, timezone
from typing import Any, Dict, List, Literal, Mapping, Type, TypeVar, Union, get_args, get_origin
from typing import get_type_hints as hints_of

from .names import camel

M = TypeVar("M", bound="Model")

#: Annotations, read once: they are texts until then.
_HINTS: Dict[type, Dict[str, Any]] = {}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class DecodeError(ValueError):
    """An answer that is not of the shape that was asked for."""


@dataclasses.dataclass(frozen=True)
class Model:
    """What the API answers. Fields that this version does not know are in `to_dict()`."""

    @classmethod
    def from_dict(cls: Type[M], data: Any) -> M:
        """Reads what the API has answered."""
        return _model(cls, data, "")

    def to_dict(self) -> Dict[str, Any]:
        """As the API has sent it, with the API's own names."""
        raw: Any = self.__dict__.get("_raw")
        return dict(raw) if raw is not None else dict(_plain(self))


def _hints(of: type) -> Dict[str, Any]:
    if of not in _HINTS:
        _HINTS[of] = hints_of(of)
    return _HINTS[of]


def _model(cls: Type[M], data: Any, path: str) -> M:
    if not isinstance(data, dict):
        raise DecodeError(f"{path or 'the body'} is no object")
    values: Dict[str, Any] = {}
    hints = _hints(cls)
    for field in dataclasses.fields(cls):
        name = camel(field.name)
        at = f"{path}.{name}" if path else name
        if data.get(name) is not None:
            values[field.name] = decode(hints[field.name], data[name], at)
        elif field.default is dataclasses.MISSING:
            hint = hints[field.name]
            if hint is not Any and type(None) not in get_args(hint):
                raise DecodeError(f"`{at}` is missing")
            values[field.name] = None
    made = cls(**values)
    object.__setattr__(made, "_raw", data)
    return made


def decode(hint: Any, value: Any, path: str) -> Any:
    """`value` as `hint` says. A word that an enumeration does not have yet is kept as it is."""
    origin, of = get_origin(hint), get_args(hint)
    if hint is Any or origin is Literal:
        return value
    if origin is Union:
        return _union(of, value, path)
    if origin is list:
        _must_be(isinstance(value, list), path, "a list")
        return [decode(of[0], item, f"{path}[{at}]") for at, item in enumerate(value)]
    if origin is dict:
        _must_be(isinstance(value, dict), path, "an object")
        return {key: decode(of[1], item, f"{path}.{key}") for key, item in value.items()}
    if hint is datetime:
        return moment(value, path)
    if hint is date:
        _must_be(isinstance(value, str), path, "a date")
        return date.fromisoformat(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _model(hint, value, path)  # type: ignore[type-var]
    if hint is float:
        _must_be(isinstance(value, (int, float)), path, "a number")
        return float(value)
    _must_be(isinstance(value, hint), path, f"of type {hint.__name__}")
    return value


def _union(of: Any, value: Any, path: str) -> Any:
    """At most one of several is an object, and at most one is a text."""
    if value is None:
        return None
    models = [one for one in of if dataclasses.is_dataclass(one)]
    if isinstance(value, dict) and models:
        return decode(models[0], value, path)
    rest = [one for one in of if one is not type(None) and one not in models]
    return decode(rest[-1], value, path) if len(rest) == 1 else value


def _must_be(right: bool, path: str, what: str) -> None:
    if not right:
        raise DecodeError(f"`{path}` is not {what}")


def moment(value: Any, path: str = "time") -> datetime:
    """A time of the API: RFC 3339, in UTC."""
    parts = _TIME.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise DecodeError(f"`{path}` is no time")
    day, fraction, zone = parts.groups()
    micros = (fraction or ".0")[:7].ljust(7, "0")
    zone = "+00:00" if zone in "Zz" else zone
    return datetime.fromisoformat(f"{day}{micros}{zone}").astimezone(timezone.utc)


def encode(hint: Any, value: Any) -> Any:
    """What a caller gave as the API takes it: known names get the API's spelling, all else stays,
    so that the API itself says what is wrong with it."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, (datetime, date)):
        return time_text(value)
    if isinstance(value, Mapping):
        return _encode_object(hint, value)
    if isinstance(value, (list, tuple, set, frozenset)):
        inner = next((get_args(one)[0] for one in _options(hint) if get_origin(one) is list), Any)
        return [encode(inner, item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encode(hint, dataclasses.asdict(value))
    return value


def _options(hint: Any) -> List[Any]:
    return list(get_args(hint)) if get_origin(hint) is Union else [hint]


def _encode_object(hint: Any, value: Mapping[str, Any]) -> Dict[str, Any]:
    shapes = [one for one in _options(hint) if hasattr(one, "__total__")]
    known = _hints(shapes[0]) if shapes else {}
    return {
        camel(name) if name in known else name: encode(known.get(name, Any), item)
        for name, item in value.items()
    }


def time_text(value: Union[datetime, date, str]) -> str:
    """A time as the API takes it. One without a zone is this machine's local time, as in the
    standard library."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {camel(name): _plain(item) for name, item in pairs if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return time_text(value) if isinstance(value, (datetime, date)) else value
