"""What stands in a text and should not: lost and control characters, placeholders, a template's own marks."""

from __future__ import annotations

import re

from tui_ft.data.checks.sight import Sight
from tui_ft.data.faults import Faults

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
_GARBLED = re.compile("Ã[\u0080-\u00bf©¨¤¶¼±³§ª«´¸º»]|â€[œ\u009d™˜\u0094\u0093¦“”]|Â[\u00a0°§«»£]|ï»¿")
_MARKS = re.compile(
    r"<\|im_(?:start|end)\|>|<\|(?:start|end)_header_id\|>|<\|e(?:ot|om)_id\|>|<\|begin_of_text\|>"
    r"|<\|endoftext\|>|<\|(?:user|assistant|system|observation|end)\|>|<(?:start|end)_of_turn>"
    r"|\[/?INST\]|<</?SYS>>|</s>(?=\s*\Z|\s*<s>)|<｜(?:User|Assistant|end▁of▁sentence)｜>"
    r"|### (?:Instruction|Response|Human|Assistant):"
)
_PLACEHOLDERS = re.compile(
    r"\{\{(?<![\w\\{}$^]\{\{) ?[A-Za-z_][\w .-]{0,40}? ?\}\}(?!\})"
    r"|<(?:PLACEHOLDER|placeholder)>|\[(?:INSERT|Insert|insert|TODO|FIXME|PLACEHOLDER)\b[^\]\n]{0,60}\]"
)
_CODE_SIGNS = ("```", "{%", "</", "v-for", "def ", "import ", "func", "=>", "\\frac", "\\begin")
_AROUND = 20


def look_at_text(sight: Sight, faults: Faults) -> None:
    """Tell what the texts of a row hold."""
    text = sight.text
    if _CONTROLS.search(text):
        _tell(faults, "control_characters", sight, _CONTROLS, text)
    if not text.isascii():
        _look_at_letters(text, sight, faults)
    if ("<" in text or "[" in text or "### " in text) and _MARKS.search(text):
        _tell(faults, "templated_text" if sight.is_plain else "template_markers", sight, _MARKS, text)
    if "{{" in text or "[" in text or "<p" in text or "<P" in text:
        _look_for_placeholders(text, sight, faults)
    if "<think>" in sight.answer and sight.answer.count("<think>") > sight.answer.count("</think>"):
        faults.add("unclosed_thought", sight.number)


def _look_at_letters(text: str, sight: Sight, faults: Faults) -> None:
    if "\ufffd" in text:
        at = text.index("\ufffd")
        faults.add("replacement_character", sight.number, sample=_around(text, at))
    if ("Ã" in text or "â€" in text or "Â" in text or "ï»¿" in text) and (found := _GARBLED.search(text)):
        faults.add("garbled_text", sight.number, sample=_around(text, found.start()))


def _look_for_placeholders(text: str, sight: Sight, faults: Faults) -> None:
    found = _PLACEHOLDERS.search(text)
    if found is None or (found[0].startswith("{{") and any(sign in text for sign in _CODE_SIGNS)):
        return  # in code and web pages two braces are ordinary
    faults.add("placeholder", sight.number, reason=found[0])


def _tell(faults: Faults, code: str, sight: Sight, pattern: re.Pattern[str], text: str) -> None:
    found = pattern.search(text)
    assert found is not None
    what = f"U+{ord(found[0]):04X}" if code == "control_characters" else found[0].strip()
    faults.add(code, sight.number, reason=what)


def _around(text: str, at: int) -> str:
    return " ".join(text[max(0, at - _AROUND) : at + _AROUND].split())
