"""What looks like personal data or a secret. Only masked samples leave this module, never the value."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from tui_ft.data.checks.sight import Sight
from tui_ft.data.faults import Faults


class _Kind(NamedTuple):
    """Something to look for: `signs` are cheap to search and one of them stands in every hit."""

    name: str
    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    is_one: Callable[[str], bool] = bool


_MAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}\b", re.I | re.A
)
_FILES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".py", ".js", ".css", ".html")
_DIGITS = re.compile(r"[0-9](?:[0-9 ().-]{6,60}[0-9]|[0-9] ?[0-9A-Z]{4} ?[0-9A-Z]{4})")
"""What every number looked for has in it; one search for all of them."""

_MOST_MAILS = 50
_BEFORE, _BEHIND, _FEW_RUNS = 8, 40, 3
"""So far a number may reach around its digits; so many runs of digits are looked at one by one."""

_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+[1-9][0-9]{0,2}[ .-]?(?:\([0-9]{1,4}\)[ .-]?)?[0-9]{2,4}(?:[ .-]?[0-9]{2,4}){2,3}"
    r"|(?:1[ .-])?\([2-9][0-9]{2}\) ?[0-9]{3}[ .-][0-9]{4}|(?:1[.-])?[2-9][0-9]{2}-[0-9]{3}-[0-9]{4})"
    r"(?![\w-])"
)
_MOBILE = re.compile(r"(?<![\w.-])1[3-9][0-9]{9}(?![\w.-])", re.A)
_CARD = re.compile(
    r"(?<![\w.-])(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|2[0-9]{2}|4[4-9][0-9]|5[0-9]{2}))"
    r"(?:[ -]?[0-9]{4}){3}(?![\w-])(?!\.[0-9])|(?<![\w.-])3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}(?![\w-])"
)
_SOCIAL = re.compile(r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")


def _is_mail(text: str) -> bool:
    """True for an address, also one that looks made up: whether it is, a person has to see."""
    return not text.startswith("git@") and not text.lower().endswith(_FILES)


def _is_phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return 9 <= len(digits) <= 15 and len(set(digits)) > 2


def _is_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return len(set(digits)) > 1 and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    bare = text.replace(" ", "")
    if not 15 <= len(bare) <= 34:
        return False
    moved = bare[4:] + bare[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


_MAILS = (_Kind("e-mail address", ("@",), _MAIL, _is_mail),)
_MOBILES = (_Kind("phone number", ("1",), _MOBILE, _is_phone),)
"""Chinese ones: eleven digits in a row are any number in other texts."""

_NUMBERS = (
    _Kind("bank account", (), _IBAN, _is_iban),
    _Kind("card number", (), _CARD, _is_card),
    _Kind("social security number", (), _SOCIAL),
    _Kind("phone number", (), _PHONE, _is_phone),
)
_SECRETS = (
    _Kind("AWS key", ("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    _Kind("API key", ("sk-",), re.compile(r"(?<![\w-])sk-(?:proj-|ant-|or-|svcacct-)?[A-Za-z0-9_-]{20,}\b")),
    _Kind(
        "GitHub token",
        ("ghp_", "gho_", "ghs_", "ghu_", "github_pat_"),
        re.compile(r"\b(?:gh[posu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})\b"),
    ),
    _Kind("GitLab token", ("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    _Kind("Hugging Face token", ("hf_",), re.compile(r"\bhf_[A-Za-z]{30,}\b")),
    _Kind("Slack token", ("xox",), re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    _Kind("Google key", ("AIza",), re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    _Kind("Stripe key", ("k_live_",), re.compile(r"\b[srp]k_live_[A-Za-z0-9]{16,}")),
    _Kind(
        "private key",
        ("PRIVATE KEY-----",),
        re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\s|\\n)+[\w+/=]{16}"),
    ),
    _Kind("signed token", ("eyJ",), re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    _Kind(
        "password in an address",
        ("://",),
        re.compile(r"\b[a-z][a-z0-9+]{2,12}://[^\s:/@\"'<>{}$]{1,40}:[^\s/@\"'<>{}$]{4,60}@[\w.-]+"),
        lambda text: not re.search(r":(?:password|pass|secret|\*+|x+|pwd|changeme)@", text, re.I),
    ),
)  # fmt: skip
_SECRET_SIGNS = tuple(sign for kind in _SECRETS for sign in kind.signs)
_UNDERSCORED = tuple(sign for sign in _SECRET_SIGNS if "_" in sign)
_OTHER_SIGNS = tuple(sign for sign in _SECRET_SIGNS if "_" not in sign)


def look_for_personal(sight: Sight, faults: Faults) -> None:
    """Tell personal data and secrets in the texts of a row, each kind once a row."""
    text = sight.text
    for name, masked in _personal(text):
        faults.add("personal_data", sight.number, reason=name, sample=f"{name}: {masked}")
        break
    if ("_" in text and _has_any(text, _UNDERSCORED)) or _has_any(text, _OTHER_SIGNS):
        for name, masked in _hits(_SECRETS, text):
            faults.add("secret", sight.number, reason=name, sample=f"{name}: {masked}")
            break


def _personal(text: str) -> Iterator[tuple[str, str]]:
    yield from _mails(text)
    if not text.isascii():
        yield from _hits(_MOBILES, text)
    runs = list(islice(_DIGITS.finditer(text), _FEW_RUNS + 1))
    if len(runs) > _FEW_RUNS:  # a text full of numbers: one look at all of it is cheaper
        yield from _hits(_NUMBERS, text, max(0, runs[0].start() - _BEFORE))
        return
    for run in runs:
        yield from _hits(_NUMBERS, text, max(0, run.start() - _BEFORE), run.end() + _BEHIND)


def _mails(text: str) -> Iterator[tuple[str, str]]:
    """Look around every @ instead of at every word."""
    at = text.find("@")
    for _ in range(_MOST_MAILS):
        if at < 0:
            return
        yield from _hits(_MAILS, text, max(0, at - 65), at + 200)
        at = text.find("@", at + 1)


def _has_any(text: str, signs: tuple[str, ...]) -> bool:
    for sign in signs:  # a loop: it is asked of every row, and this is the fastest  # noqa: SIM110
        if sign in text:
            return True
    return False


def _hits(
    kinds: tuple[_Kind, ...], text: str, start: int = 0, end: int = sys.maxsize
) -> Iterator[tuple[str, str]]:
    """Yield what is found between `start` and `end`, one of a kind: its name and its masked value."""
    for kind in kinds:
        if kind.signs and not _has_any(text, kind.signs):
            continue
        for found in kind.pattern.finditer(text, start, end):
            if kind.is_one(found[0]):
                yield kind.name, _masked(found[0])
                break


def _masked(value: str) -> str:
    """Return `value` with its first character and its shape, nothing that could be used."""
    if "@" in value and "://" not in value:
        name, _, host = value.partition("@")
        return f"{name[0]}…@{host[0]}….{host.rsplit('.', 1)[-1]}"
    if value[0] in "+(" or value[0].isdigit():
        digits = sum(character.isdigit() for character in value)
        return f"{value[:2]}… ({digits} digits)"
    return f"{value[:4]}… ({len(value)} characters)"
