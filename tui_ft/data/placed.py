"""Tokens with their places in the text that they were made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Placed:
    """Token i stands for the characters `starts[i]` to `ends[i]` of `text`; `trained[i]`: the loss counts it.

    Four lists of one length. A token that was put in and stands in no text begins and ends at one place.
    """

    text: str
    ids: list[int]
    starts: list[int]
    ends: list[int]
    trained: list[bool]

    @classmethod
    def without_text(cls, ids: Sequence[int] = ()) -> Placed:
        """Return tokens that stand in no text and are not trained."""
        return cls("", list(ids), [0] * len(ids), [0] * len(ids), [False] * len(ids))

    def followed_by(self, other: Placed) -> Placed:
        """Put `other` behind these tokens, and return them."""
        shift = len(self.text)
        self.text += other.text
        self.ids += other.ids
        self.starts += [place + shift for place in other.starts]
        self.ends += [place + shift for place in other.ends]
        self.trained += other.trained
        return self

    def add(self, token_id: int, *, trained: bool) -> None:
        """Put a token that stands in no text behind the last one."""
        at = self.ends[-1] if self.ends else 0
        self.ids.append(token_id)
        self.starts.append(at)
        self.ends.append(at)
        self.trained.append(trained)

    def keep(self, count: int) -> None:
        """Take away all tokens behind the first `count`."""
        for column in (self.ids, self.starts, self.ends, self.trained):
            del column[count:]
