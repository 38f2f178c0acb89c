"""A model's chat template: Jinja in the environment that transformers gives it, without transformers.

What the environment holds follows `transformers.utils.chat_template_utils` of 5.23; a test compares the
two over many templates. Templates are code by others, so they run in Jinja's sandbox.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tui_ft.data.layout import Message, TemplateRefusal
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    import jinja2

LARGEST_TEXT = 64 << 20
"""So many characters at most does a template write, or it is taken for one that never ends."""
_LARGEST_POWER = 1000
_LOOPS = 1_000_000


def refusals() -> tuple[type[Exception], ...]:
    """What a template may raise on messages that it does not take."""
    from jinja2 import TemplateError

    return (
        TemplateError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    )


class ChatTemplate:
    """A compiled chat template with the special tokens that it may name.

    Raises `TuiFtError` when `source` is no Jinja template.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str]) -> None:
        from jinja2 import TemplateError

        self._special_tokens = dict(special_tokens)
        self._ranges = _Ranges()
        try:
            self._template = _environment(self._ranges).from_string(source)
        except (TemplateError, RecursionError) as error:
            raise TuiFtError(
                f"The model's chat template cannot be read: {shown(error, 160)}.",
                "Fetch the model's tokenizer files again.",
            ) from error

    def render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        """Return the chat as the model sees it. Raises `TemplateRefusal`."""
        if not messages:
            raise TemplateRefusal("a chat template needs at least one message")
        self._ranges._begin()
        pieces, length = [], 0
        try:
            for piece in self._template.generate(
                messages=[dict(message) for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=add_generation_prompt,
                **self._special_tokens,
            ):
                pieces.append(piece)
                length += len(piece)
                if length > LARGEST_TEXT:
                    raise TemplateRefusal("the chat template writes without end")
        except refusals() as error:
            raise TemplateRefusal(str(error)) from error
        return "".join(pieces)


class _Ranges(threading.local):
    """`range` for templates: Jinja bounds one of them, this all of a rendering, so that loops in loops end.

    Names with an underscore are out of a template's reach.
    """

    def __init__(self) -> None:
        self._left = _LOOPS

    def _begin(self) -> None:
        """A rendering begins."""
        self._left = _LOOPS

    def __call__(self, *bounds: int) -> range:
        from jinja2.sandbox import safe_range

        found = safe_range(*bounds)
        self._left -= len(found) + 1
        if self._left < 0:
            raise OverflowError("a chat template loops without end")
        return found


def _environment(ranges: _Ranges) -> jinja2.Environment:
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Bounded(ImmutableSandboxedEnvironment):
        """Bounds what a multiplication makes, too."""

        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _require_small(operator, left, right)
            return super().call_binop(context, operator, left, right)

    environment = Bounded(trim_blocks=True, lstrip_blocks=True, extensions=[_generation_tag(), loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    environment.globals["range"] = ranges
    environment.globals["dict"] = _Dict()
    environment.globals["namespace"] = _namespace()
    return environment


def _require_small(operator: str, left: Any, right: Any) -> None:
    if operator == "**" and isinstance(right, int) and abs(right) > _LARGEST_POWER:
        raise OverflowError("a chat template computes a number that is too large")
    for one, times in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(times, int) and len(one) * times > LARGEST_TEXT:
            raise OverflowError("a chat template makes a text that is too long")


def _generation_tag() -> Any:
    """The extension for `{% generation %}`, which marks the answers and here means only what is inside."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class GenerationTag(Extension):
        tags = {"generation"}

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_inside"), [], [], body).set_lineno(line)

        def _inside(self, caller: Any) -> str:
            return str(caller())

    return GenerationTag


def _namespace() -> Any:
    """Jinja's namespace, without names that begin with an underscore, by which a template could break out."""
    from jinja2.exceptions import SecurityError
    from jinja2.utils import Namespace

    class PlainNamespace(Namespace):
        def __init__(*args: Any, **attributes: Any) -> None:
            # self is positional only, so that a template can name an attribute "self"
            values = dict(*args[1:], **attributes)
            for name in values:
                _require_plain(name)
            Namespace.__init__(args[0], values)

        def __setitem__(self, name: str, value: Any) -> None:
            _require_plain(name)
            super().__setitem__(name, value)

    def _require_plain(name: Any) -> None:
        if isinstance(name, str) and name.startswith("_"):
            raise SecurityError(f"a chat template may not name {shown(name, 40)!r} in a namespace")

    return PlainNamespace


class _Dict:
    """`dict` for templates: what can be called, without the type that leads to others."""

    def __call__(self, *args: Any, **values: Any) -> dict[Any, Any]:
        return dict(*args, **values)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


def _raise_exception(message: object) -> None:
    from jinja2 import TemplateError

    raise TemplateError(str(message))


def _strftime_now(pattern: str) -> str:
    return datetime.now().strftime(pattern)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own filter escapes what HTML would misread, which a model would then learn."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
