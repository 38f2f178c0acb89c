"""The settings that others keep in YAML: plain values by dotted names. No tags, no objects, no anchors."""

from __future__ import annotations

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources.words import word_number

LONGEST_TEXT = 1 << 20
MOST_SETTINGS = 2_000
DEEPEST = 12

_WORDS: dict[str, SettingValue] = {"": None, "~": None, "null": None, "none": None, "true": True, "yes": True,
                                   "on": True, "false": False, "no": False, "off": False, "[]": "",
                                   "{}": ""}  # fmt: skip


def read_yaml(text: str) -> dict[str, SettingValue]:
    """Read the plain values of a YAML text: nested names are joined by dots, a list becomes `a, b, c`.

    What is not plain (block texts, anchors) is left out; tags are ignored. Never raises.
    """
    found: dict[str, SettingValue] = {}
    lists: dict[str, list[str]] = {}
    open_names: list[tuple[int, str]] = []
    for line in text[:LONGEST_TEXT].splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", "---", "...", "%")) or len(found) >= MOST_SETTINGS:
            continue
        indent = len(line) - len(line.lstrip(" "))
        if stripped.startswith("- ") or stripped == "-":
            # a list may stand at its name's own indent
            while open_names and open_names[-1][0] > indent:
                open_names.pop()
            if open_names:
                lists.setdefault(_dotted(open_names), []).append(str(yaml_value(stripped[1:])))
            continue
        while open_names and open_names[-1][0] >= indent:
            open_names.pop()
        name, colon, value = _pair(stripped)
        if not colon or len(open_names) >= DEEPEST:
            continue
        open_names.append((indent, name))
        plain = _uncommented(value)
        if not plain.startswith(("|", ">", "&", "*")):
            found[_dotted(open_names)] = yaml_value(plain)
    for name, items in lists.items():
        if found.get(name) in (None, ""):
            found[name] = ", ".join(items[:50])
    groups = {name.rpartition(".")[0] for name in found if "." in name}
    return {name: value for name, value in found.items() if not (name in groups and value is None)}


def _dotted(names: list[tuple[int, str]]) -> str:
    return ".".join(name for _, name in names)


def _pair(line: str) -> tuple[str, str, str]:
    if line[0] in "'\"" and (end := line.find(line[0], 1)) > 0:
        rest = line[end + 1 :].lstrip()
        return (line[1:end], ":", rest[1:]) if rest.startswith(":") else ("", "", "")
    name, colon, value = line.partition(":")
    if value and not value.startswith((" ", "\t")):
        return "", "", ""
    return name.strip(), colon, value


def _uncommented(value: str) -> str:
    value = value.strip()
    if value.startswith("!"):
        value = value.partition(" ")[2].strip()
    return value if value.startswith(("'", '"')) else value.partition(" #")[0].rstrip()


def yaml_value(text: str) -> SettingValue:
    """Return one plain YAML value: a number, a truth value, None, or its text."""
    text = _uncommented(text)
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if text.startswith("[") and text.endswith("]"):
        return text[1:-1].strip()
    if text.lstrip("+-").isdecimal() and len(text) < 20:
        return int(text)
    known = word_number(text.replace(".inf", "inf").replace(".nan", "nan")) if text[:1] not in "_" else None
    return known if known is not None else text
