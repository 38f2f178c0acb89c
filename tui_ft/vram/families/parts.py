"""Pieces that many families share: attention, feed-forward, norms, and what stands around the layers."""

from __future__ import annotations

AROUND = """
model.embed_tokens  embedding  V h
model.norm          norm       h
lm_head             head       V h  if not tied
"""
"""Embedding, last norm and head, as in Llama and what follows it."""

NORMS = """
input_layernorm           norm  h
post_attention_layernorm  norm  h
"""

SANDWICH_NORMS = (
    NORMS
    + """
pre_feedforward_layernorm   norm  h
post_feedforward_layernorm  norm  h
"""
)
"""Gemma's four: before and after attention, before and after the feed-forward part."""

POST_NORMS = """
post_attention_layernorm    norm  h
post_feedforward_layernorm  norm  h
"""

HEAD_NORMS = """
self_attn.q_norm  norm  d
self_attn.k_norm  norm  d
"""
"""Norms of queries and keys, one for the width of a head."""

WIDE_NORMS = """
self_attn.q_norm  norm  q
self_attn.k_norm  norm  k
"""
"""Norms of queries and keys over all heads at once (OLMo 2)."""

NO_ATTENTION = ("Some of its layers are no attention; what they compute is not modelled.",)
"""A note for the user: parameters are exact, activations are not."""

SINKS = "self_attn.sinks  other  heads\n"
"""One learned score a head that takes up attention."""


def attention(
    bias: str = "False",
    out: str = "False",
    at: str = "self_attn",
    last: str = "o_proj",
    when: str = "True",
) -> str:
    """Four projections; `bias` for query, key and value, `out` for the last."""
    return f"""
{at}.q_proj  linear  q h  bias={bias}  if {when}
{at}.k_proj  linear  k h  bias={bias}  if {when}
{at}.v_proj  linear  k h  bias={bias}  if {when}
{at}.{last}  linear  h q  bias={out}   if {when}
"""


FLAGGED = attention("attention_bias", "attention_bias")
"""Biases on all four projections where the config asks for them."""


def gated(bias: str = "False", at: str = "mlp", width: str = "f", when: str = "True") -> str:
    """The feed-forward part with a gate: down(act(gate(x)) * up(x))."""
    return f"""
{at}.gate_proj  linear  {width} h  bias={bias}  if {when}
{at}.up_proj    linear  {width} h  bias={bias}  if {when}
{at}.down_proj  linear  h {width}  bias={bias}  if {when}
"""


def fused_gated(at: str = "mlp", width: str = "f") -> str:
    """The same with gate and up in one matrix."""
    return f"""
{at}.gate_up_proj  linear  2*{width} h
{at}.down_proj     linear  h {width}
"""


def plain(up: str, down: str, bias: str = "True", width: str = "f") -> str:
    """The feed-forward part without a gate: down(act(up(x)))."""
    return f"""
{up}    linear  {width} h  bias={bias}
{down}  linear  h {width}  bias={bias}
"""


def experts(at: str = "mlp", when: str = "True", router: str = "gate router", inner: str = "experts") -> str:
    """All experts of a layer in two tensors, and the router that chooses among them."""
    return f"""
{at}.{router}  E h  if {when}
{at}.{inner}.gate_up_proj  experts  E 2*m h  if {when}
{at}.{inner}.down_proj     experts  E h m    if {when}
"""


def layer_norms(*names: str, bias: str = "True") -> str:
    """Classic norms with a weight and a bias."""
    return "".join(f"{name}  norm  h  bias={bias}\n" for name in names)


def renamed(layout: str, changes: dict[str, str]) -> str:
    """`layout` with pieces of its text exchanged. Raises ValueError for a piece that it has not."""
    for old, new in changes.items():
        if old not in layout:
            raise ValueError(f"no {old!r} in the layout")
        layout = layout.replace(old, new)
    return layout


def when(condition: str, layout: str) -> str:
    """`layout` with every line only where `condition` holds."""
    lines = [line for line in layout.splitlines() if line.strip()]
    return "".join(
        f"{line} and ({condition})\n" if " if " in line else f"{line}  if {condition}\n" for line in lines
    )
