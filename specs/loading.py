"""Reading a TOML file into a typed, validated value, or a refusal that a person can act on.

Knows msgspec's types and nothing of products or venues. Every refusal names the file, the path of
the value inside it, what is wrong and what would be allowed. Fractions are read as exact decimals.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

_T = TypeVar("_T")
_PATH = re.compile(r"^(?P<what>.*) - at `(?P<path>\$[^`]*)`$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


class SpecError(ValueError):
    """A specification file that cannot be used.

    `file`, `path` (as in `$.member[2].name`; `$` is the whole file), `problem` and `allowed` (empty
    where the problem already says it) are the parts of its text.
    """

    def __init__(self, file: Path, path: str, problem: str, allowed: str = "") -> None:
        self.file = file
        self.path = path
        self.problem = problem
        self.allowed = allowed
        text = f"{file}: {path}: {problem}"
        super().__init__(f"{text}; allowed: {allowed}" if allowed else text)


def _nothing(raw: dict[str, Any]) -> None:
    """A file that stands by itself."""


def load_toml(
    file: Path,
    kind: type[_T],
    overrides: Iterable[str] = (),
    amend: Callable[[dict[str, Any]], None] = _nothing,
) -> _T:
    """The value of type `kind` (a msgspec Struct) that `file` holds; raises SpecError.

    An override such as `fix.port=9900` replaces one value, written as TOML or as bare text; before
    that, `amend` brings in what stands elsewhere.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(file, "$", f"cannot be read: {error}") from error
    return parse_toml(text, kind, file, overrides, amend)


def parse_toml(
    text: str,
    kind: type[_T],
    file: Path,
    overrides: Iterable[str] = (),
    amend: Callable[[dict[str, Any]], None] = _nothing,
) -> _T:
    """As load_toml, from `text`; `file` only names its origin in errors."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(file, "$", f"not TOML: {error}") from error
    amend(raw)
    for override in overrides:
        _apply_override(raw, override)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise _spec_error(file, kind, raw, str(error)) from error


def _apply_override(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    *tables, name = key.strip().split(".")
    if not equals or not name or not all(tables):
        raise SpecError(Path("--set"), "$", f"cannot read {override!r}", "NAME=VALUE, T.NAME=VALUE")
    for table in tables:
        raw = raw.setdefault(table, {})
        if not isinstance(raw, dict):
            raise SpecError(Path("--set"), f"$.{key}", f"{table!r} is not a table", "T.NAME=VALUE")
    try:
        raw[name] = tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        raw[name] = text.strip()


def _spec_error(file: Path, kind: type, raw: object, message: str) -> SpecError:
    found = _PATH.match(message)
    problem, path = (found["what"], found["path"]) if found else (message, "$")
    info = _type_at(inspect.type_info(kind), path)
    if "allowed:" in problem:
        problem, allowed = problem.split("; allowed: ", 1)
        field, rest = _named_field(info, problem)
        return SpecError(file, path + field, rest, allowed)
    allowed = describe(info)
    value = _value_at(raw, path)
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        problem = f"{problem} (it is {shown})"
    return SpecError(file, path, problem, allowed)


def _named_field(info: inspect.Type, problem: str) -> tuple[str, str]:
    """Splits off the field that a check across fields begins its message with, if it does."""
    word, _, rest = problem.partition(" ")
    names = [f.encode_name for f in info.fields] if isinstance(info, inspect.StructType) else []
    if re.split(r"[.\[]", word)[0] not in names:
        return "", problem
    return f".{word}", rest or "this value cannot stand here"


def _type_at(info: inspect.Type, path: str) -> inspect.Type:
    """The type that stands at `path` (`$.a[0].b`) below `info`."""
    for step in _STEP.finditer(path):
        info = _without_none(info)
        if isinstance(info, inspect.StructType) and step["name"]:
            info = next(field.type for field in info.fields if field.encode_name == step["name"])
        elif isinstance(info, inspect.ListType | inspect.VarTupleType):
            info = info.item_type
        elif isinstance(info, inspect.DictType):
            info = info.value_type
        else:
            return info
    return _without_none(info)


def _without_none(info: inspect.Type) -> inspect.Type:
    if isinstance(info, inspect.Metadata):
        return _without_none(info.type)
    if not isinstance(info, inspect.UnionType):
        return info
    return next(member for member in info.types if not isinstance(member, inspect.NoneType))


def _value_at(raw: object, path: str) -> object:
    """The value at `path`, None where there is none."""
    for step in _STEP.finditer(path):
        if isinstance(raw, dict) and step["name"]:
            raw = raw.get(step["name"])
        elif isinstance(raw, list) and step["index"] and step["index"].isdigit():
            raw = raw[int(step["index"])]
        else:
            return None
    return raw


def describe(info: inspect.Type) -> str:
    """What a value of this type may be, for a person."""
    if isinstance(info, inspect.LiteralType):
        return ", ".join(repr(value) for value in info.values)
    if isinstance(info, inspect.EnumType):
        return ", ".join(repr(member.value) for member in info.cls)
    if isinstance(info, inspect.BoolType):
        return "true, false"
    if isinstance(info, inspect.IntType):
        return "a whole number" + _range(info.ge, info.le)
    if isinstance(info, inspect.DecimalType):
        return "a number such as 0.005"
    if isinstance(info, inspect.DateType):
        return "a date such as 2026-12-25"
    if isinstance(info, inspect.TimeType):
        return "a time of the day such as 17:00:00"
    if isinstance(info, inspect.StrType):
        if info.pattern:
            return f"text matching {info.pattern}"
        return "text" + _range(info.min_length, info.max_length, " characters")
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return f"a list of: {describe(_without_none(info.item_type))}"
    if isinstance(info, inspect.StructType):
        return "a table with " + ", ".join(_field_name(field) for field in info.fields)
    return ""


def _field_name(field: inspect.Field) -> str:
    return field.encode_name if field.required else f"{field.encode_name} (optional)"


def _range(low: int | None, high: int | None, unit: str = "") -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f" from {low:,}{unit}"
    if low is None:
        return f" up to {high:,}{unit}"
    return f" from {low:,} to {high:,}{unit}"
