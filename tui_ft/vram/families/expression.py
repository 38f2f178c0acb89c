"""The small arithmetic of the family rows: sizes and conditions over the keys of a config."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol


class Names(Protocol):
    """What a name in an expression stands for."""

    def __getitem__(self, name: str, /) -> Any: ...


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, group: item in (group or ()),
    ast.NotIn: lambda item, group: item not in (group or ()),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "min": min,
    "max": max,
    "int": int,
    "at": lambda value, index: value[index] if isinstance(value, list) else value,
    "get": lambda value, key: value.get(key) if isinstance(value, dict) else None,
    "of_layer": lambda value, layer: next(
        (item for key, item in dict(value or ()).items() if str(key).isdecimal() and int(key) == layer), None
    ),
    "round_up": lambda value, step: -(-int(value) // step) * step,
}


FAULTS = (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError)
"""What values of a wrong type or size raise in an expression."""


def evaluate(text: str, names: Names) -> Any:
    """The value of `text`; `in` takes None for an empty list. Raises one of `FAULTS` for wrong values."""
    return _value(_parsed(text), names)


def names_in(text: str) -> set[str]:
    """The names that `text` may ask for."""
    called = {node.func for node in ast.walk(_parsed(text)) if isinstance(node, ast.Call)}
    return {n.id for n in ast.walk(_parsed(text)) if isinstance(n, ast.Name) and n not in called}


@cache
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _value(node: ast.expr, names: Names) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return names[node.id]
        case ast.BinOp():
            return _BINARY[type(node.op)](
                _number(_value(node.left, names)), _number(_value(node.right, names))
            )
        case ast.BoolOp():
            return _joined(node, names)
        case ast.UnaryOp():
            inner = _value(node.operand, names)
            return not inner if isinstance(node.op, ast.Not) else -inner
        case ast.Compare(ops=[op], comparators=[right]):
            return _COMPARE[type(op)](_value(node.left, names), _value(right, names))
        case ast.IfExp():
            return _value(node.body if _value(node.test, names) else node.orelse, names)
        case ast.Subscript():
            return _value(node.value, names)[_value(node.slice, names)]
        case ast.List() | ast.Tuple():
            return [_value(item, names) for item in node.elts]
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTIONS[name](*(_value(item, names) for item in node.args))
    raise ValueError(f"no such expression: {ast.unparse(node)}")


def _number(value: Any) -> Any:
    """`value`, if it can be counted with: a text or a list from a config would be repeated."""
    if not isinstance(value, (int, float)):
        raise TypeError(f"no number: {type(value).__name__}")
    return value


def _joined(node: ast.BoolOp, names: Names) -> Any:
    is_and = isinstance(node.op, ast.And)
    value: Any = is_and
    for item in node.values:
        value = _value(item, names)
        if bool(value) is not is_and:
            return value
    return value
