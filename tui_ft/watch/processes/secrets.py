"""What must not be shown of a command line: the values of keys, tokens and passwords."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"
_SURE_WORDS = frozenset(
    {
        "apikey",
        "secret",
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "credential",
        "authtoken",
        "authorization",
    }
)
"""Nothing else is named so, whatever stands before or behind it."""
_SECRET_WORDS = _SURE_WORDS | {"key", "token", "pass", "auth"}
_OWNERS = frozenset(
    {"api", "hub", "hf", "huggingface", "access", "auth", "secret", "private", "wandb", "github", "gitlab",
     "git", "openai", "anthropic", "aws", "ssh", "refresh", "bearer", "bot", "slack", "comet", "neptune",
     "client", "service", "session", "user", "login"}
)  # fmt: skip
"""Before `token` or `key` they say for certain what it opens."""
_HARMLESS = frozenset(
    {"eos", "bos", "pad", "unk", "sep", "cls", "mask", "special", "image", "stop", "start", "end", "num", "n",
     "max", "min", "per", "new", "total", "vocab", "count", "video", "audio"}
)  # fmt: skip
"""`--eos_token` and its like name a token of the vocabulary."""
_SUFFIXES = frozenset(
    {"read", "write", "ro", "rw", "admin", "v", "value", "prod", "dev", "test", "old", "new"}
)
"""What follows the word in names as `HF_TOKEN_READ`; W&B keeps a setting's value under `value`."""
_OPTION = re.compile(r"-[A-Za-z]|--[a-z][a-z0-9_.-]*(?:=.*)?", re.DOTALL)
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-_+/\s\[\]]+")
_PAIR = re.compile(
    r"(?P<name>(?P<quote>['\"])[\w.-]{1,80}(?P=quote)\s{0,8}[:=]\s{0,8}|[{,(\[]\s{0,8}[\w.-]{1,80}:\s{0,8}"
    r"|(?<![\w.?&-])[\w.-]{1,80}=)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&}\])'\"]+)"
)
"""A name and its value within a text: of a dict in Python or JSON, of a flow of YAML, or as `NAME=value`."""
_SECRET_VALUES = re.compile(
    r"hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|glpat-[\w-]{16,}|r8_[A-Za-z0-9]{16,}|(?<![\w/.-])[0-9a-f]{40}(?![\w/.-])"
)
"""Keys by their published prefixes; 40 hexadecimal digits standing alone are W&B's."""
_ADDRESS_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_SAID = re.compile(
    r"(?i)([?&][\w.-]*(?:token|key|secret|password|signature|auth)=|\bbearer +|\bauthorization: *basic +"
    r"|(?<!\S)--[\w-]*(?:(?:hub|hf|access|auth|api)[-_]?(?:token|key)|secret|password)[ =])[^\s&\"']{6,}"
)
"""What addresses, headers and command lines in a text name as one."""
_HOOKS = re.compile(r"(https?://(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks)/)\S+")


def mask_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with every secret value replaced: by the option's name, or by its own look."""
    shown: list[str] = []
    hides_next = False
    for argument in arguments:
        if hides_next and not _OPTION.fullmatch(argument):
            shown.append(MASK)
            hides_next = False
            continue
        name, equals, value = argument.partition("=")
        is_name = bool(equals) or argument.startswith("-")
        is_secret = is_name and is_secret_name(name)
        hides_next = is_secret and not equals
        shown.append(f"{name}={MASK}" if is_secret and value else mask_text(argument))
    return shown


def mask_text(text: str) -> str:
    """Return `text` without what looks like a key, a login in an address, or a webhook."""
    text = _SAID.sub(rf"\1{MASK}", _SECRET_VALUES.sub(MASK, text))
    return _PAIR.sub(_masked_pair, _HOOKS.sub(rf"\1{MASK}", _ADDRESS_LOGIN.sub(MASK, text)))


def _masked_pair(found: re.Match[str]) -> str:
    name, value = found["name"], found["value"]
    if not is_secret_name(name.strip("'\"{,([:= \t\r\n")):
        return found[0]
    quote = value[0] if value[0] in "'\"" else ""
    return f"{name}{quote}{MASK}{quote}"


def is_secret_name(name: str) -> bool:
    """True for the name of an option, a variable or a setting (dotted) whose value is not to be shown."""
    parts = [words for part in name.split(".") if (words := _words(part))]
    if not parts:
        return False
    while len(parts) > 1 and set(parts[-1]) <= _SUFFIXES:
        parts.pop()
    if any(map(_is_sure, parts)):
        return True
    *before, last = [word for words in parts for word in words]
    return last in _SECRET_WORDS and not (before and before[-1] in _HARMLESS)


def is_surely_secret(name: str) -> bool:
    """The same for names that leave no doubt: what they name is no number of a training either."""
    parts = [words for part in name.split(".") if (words := _words(part))]
    return any(map(_is_sure, parts)) or parts[-1:] == [["token"]]


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD_ENDS.split(name) if word]


def _is_sure(words: list[str]) -> bool:
    """True when the words end in what only a secret is called, in the singular or the plural."""
    end = len(words)
    while end > 1 and (words[end - 1] in _SUFFIXES or words[end - 1].isdecimal()):
        end -= 1
    last = words[end - 1]
    last = last[:-1] if last.endswith("s") and last != "pass" else last
    if last in _SURE_WORDS:
        return True
    return last in ("token", "key") and end > 1 and words[end - 2] in _OWNERS
