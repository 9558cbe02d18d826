"""Events, decisions and order notes as plain JSON values, and back: the same values to the last bit.

Every field is written and read by its declared type, and refused both ways when it is not of it, so that what was
written can always be read. Codes are written by name, policies and calibrations in full. Numbers keep their shortest
form; NaN and infinities are the words Python's ``json`` writes for them. Fields and mappings keep their order.
"""

from collections.abc import Callable, Mapping
from collections.abc import Mapping as AbstractMapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache
from operator import index
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from workbench.domain.errors import DataError, InvariantError

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Form:
    """How values of one type are written and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def to_plain(value: Any) -> dict[str, Any]:
    """Write a dataclass as a table of plain JSON values.

    Parameters
    ----------
    value : dataclass
        An event, decision or order note.

    Returns
    -------
    dict
        Its fields by name, in their order.

    Raises
    ------
    DataError
        When a field is not of its declared type.
    """
    kind: Any = type(value)
    return {name: _told(name, form.write, getattr(value, name)) for name, form in _forms(kind).items()}


def from_plain(kind: type[Kind], table: Mapping[str, Any]) -> Kind:
    """Read a dataclass that was written with `to_plain`.

    Parameters
    ----------
    kind : type
        Which dataclass.
    table : mapping
        Its fields by name; those with a default may be missing.

    Returns
    -------
    object
        Of that kind.

    Raises
    ------
    DataError
        When a field is unknown, missing, or not of its declared type.
    """
    declared: Any = kind
    forms = _forms(declared)
    unknown = sorted(table.keys() - forms.keys())
    missing = sorted(_required(declared) - table.keys())
    if unknown or missing:
        expected = ", ".join(forms)
        raise DataError(f"expected the fields {expected}; missing: {missing or 'none'}, unknown: {unknown or 'none'}")
    return kind(**{name: _told(name, forms[name].read, value) for name, value in table.items()})


def _told(name: str, convert: Callable[[Any], Any], value: object) -> Any:
    try:
        return convert(value)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


@cache
def _forms(kind: Any) -> dict[str, Form]:
    return {name: form_of(hint) for name, hint in get_type_hints(kind).items()}


@cache
def _required(kind: Any) -> frozenset[str]:
    return frozenset(
        one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING and one.init
    )


@cache
def form_of(hint: Any) -> Form:
    """Find how a declared type is written and read.

    Parameters
    ----------
    hint : type
        A number, text, code, pydantic model, dataclass, a tuple, a mapping from text, or one of these or None.

    Returns
    -------
    Form

    Raises
    ------
    InvariantError
        When a field was declared with a type that has no form.
    """
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType and len(arguments) == 2 and NoneType in arguments:
        return _optional(form_of(next(one for one in arguments if one is not NoneType)))
    if origin is tuple and arguments[1:] == (...,):
        return _row(form_of(arguments[0]))
    if origin is tuple:
        return _record(tuple(form_of(one) for one in arguments))
    if origin is AbstractMapping and arguments[0] is str:
        return _mapping(form_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return _code(hint)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _model(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return _nested(hint)
    raise InvariantError(f"no plain form for fields declared as {hint!r}: add one to {__name__}")


def _refuse(expected: str, got: object) -> DataError:
    return DataError(f"expected {expected}, got {repr(got)[:60]}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _refuse("text", value)
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _refuse("true or false", value)
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise _refuse("a whole number", value)
    return index(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refuse("a number", value)
    return value


_CHECKS: dict[Any, Callable[[Any], Any]] = {str: _text, bool: _truth, int: _whole, float: _number}
_SIMPLE: dict[Any, Form] = {kind: Form(check, check) for kind, check in _CHECKS.items()}


def _optional(form: Form) -> Form:
    return Form(
        lambda value: None if value is None else form.write(value),
        lambda value: None if value is None else form.read(value),
    )


def _listed(value: Any, length: int | None = None) -> Any:
    if not isinstance(value, list | tuple) or length not in (None, len(value)):
        raise _refuse("a list" if length is None else f"a list of {length}", value)
    return value


def _row(form: Form) -> Form:
    return Form(
        lambda value: [form.write(one) for one in _listed(value)],
        lambda value: tuple(form.read(one) for one in _listed(value)),
    )


def _record(forms: tuple[Form, ...]) -> Form:
    size = len(forms)
    return Form(
        lambda value: [form.write(one) for form, one in zip(forms, _listed(value, size), strict=True)],
        lambda value: tuple(form.read(one) for form, one in zip(forms, _listed(value, size), strict=True)),
    )


def _table(value: Any) -> Any:
    if not isinstance(value, AbstractMapping):
        raise _refuse("a table", value)
    return value


def _mapping(form: Form) -> Form:
    return Form(
        lambda value: {_text(key): _told(key, form.write, one) for key, one in _table(value).items()},
        lambda value: {key: _told(key, form.read, one) for key, one in _table(value).items()},
    )


def _code(kind: type[IntEnum]) -> Form:
    names = ", ".join(kind.__members__)

    def write(value: object) -> str:
        if not isinstance(value, kind):
            raise _refuse(f"a {kind.__name__}", value)
        return value.name

    def read(value: object) -> IntEnum:
        if not isinstance(value, str) or value not in kind.__members__:
            raise _refuse(f"one of {names}", value)
        return kind[value]

    return Form(write, read)


def _model(kind: type[BaseModel]) -> Form:
    def write(value: object) -> object:
        if not isinstance(value, kind):
            raise _refuse(f"a {kind.__name__}", value)
        return value.model_dump(mode="json")

    def read(value: object) -> BaseModel:
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            wrong = (f"{'.'.join(map(str, one['loc'])) or 'all of it'}: {one['msg']}" for one in error.errors())
            raise DataError("; ".join(wrong)) from error

    return Form(write, read)


def _nested(kind: type) -> Form:
    def write(value: object) -> object:
        if not isinstance(value, kind):
            raise _refuse(f"a {kind.__name__}", value)
        return to_plain(value)

    return Form(write, lambda value: from_plain(kind, _table(value)))
