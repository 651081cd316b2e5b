"""Attention and positions."""

import math
from functools import reduce
from operator import and_
from typing import Any

import numpy as np

from ...functional.elementwise import where
from ...functional.joining import cat
from ...functional.matrix import matmul
from ...functional.reduction import any as any_
from ...functional.trigonometry import tanh
from ...nn.functional import pad, softmax
from ...ops import Index
from ...promotion import bool_, float64
from ...tensor import Tensor, cast
from ..operator import operator


@operator("Attention")
def attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    attn_mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad_kv_seqlen: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int = 0,
    left_window_size: int = -1,
    q_num_heads: int = 0,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int = 0,
    outputs: int,
) -> Any:
    """softmax(Q K^T scale + mask) V, for each head; several query heads may share keys.

    Source: A. Vaswani et al., "Attention is all you need" (2017).
    """
    query = _heads(Q, q_num_heads)
    key, value = _heads(K, kv_num_heads), _heads(V, kv_num_heads)
    offset: Any = 0
    if past_key is not None and past_value is not None:
        offset = past_key.shape[2]
        key, value = cat([past_key, key], 2), cat([past_value, value], 2)
    elif nonpad_kv_seqlen is not None:
        offset = nonpad_kv_seqlen.long().reshape(-1, 1, 1, 1) - query.shape[2]
    present_key, present_value = key, value
    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
    root = math.sqrt(1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    raw = matmul(query * root, (key * root).transpose(-1, -2))
    capped = tanh(raw / softcap) * softcap if softcap else raw
    bias = _bias(capped, attn_mask, nonpad_kv_seqlen)
    allowed = _allowed(capped, offset, bool(is_causal), left_window_size, right_window_size)
    scores = capped if bias is None else capped + bias
    if allowed is not None:
        scores = where(allowed, scores, -math.inf)
    wide = cast(scores, float64) if softmax_precision == 11 else scores
    # A query that sees nothing gets zeros.
    sees = any_(wide > -math.inf, -1, keepdim=True)
    shares = where(sees, softmax(where(sees, wide, 0.0), -1), 0.0)
    shares = cast(shares, Q.dtype)
    made = matmul(shares, value)
    if Q.ndim == 3:
        made = made.transpose(1, 2).reshape(*Q.shape[:2], -1)
    if outputs < 2:
        return made
    shown = (raw, capped, scores, shares)[qk_matmul_output_mode]
    return made, present_key, present_value, shown


def _heads(x: Tensor, count: int) -> Tensor:
    """(batch, length, heads * size) as (batch, heads, length, size)."""
    if x.ndim == 4:
        return x
    return x.reshape(*x.shape[:2], count, -1).transpose(1, 2)


def _bias(scores: Tensor, mask: Tensor | None, lengths: Tensor | None) -> Tensor | None:
    """What is added to the scores: minus infinity for keys that are out of bounds."""
    total = scores.shape[-1]
    bias = None
    if mask is not None:
        bias = mask
        if mask.dtype == bool_:
            bias = where(mask, 0.0, -math.inf).to(scores.dtype)
        if bias.shape[-1] < total:
            bias = pad(bias, (0, total - bias.shape[-1]), value=-math.inf)
    if lengths is not None:
        inside = Tensor(np.arange(total), dtype=np.int64) < lengths.long().reshape(-1, 1, 1, 1)
        padding = where(inside, 0.0, -math.inf).to(scores.dtype)
        bias = padding if bias is None else bias + padding
    return bias


def _allowed(scores: Tensor, offset: Any, is_causal: bool, left: int, right: int) -> Tensor | None:
    """Which keys a query may see, by its place among them."""
    queries, keys = scores.shape[-2:]
    place = Tensor(np.arange(queries).reshape(-1, 1), dtype=np.int64) + offset
    other = Tensor(np.arange(keys), dtype=np.int64)
    bounds = []
    if is_causal:
        bounds.append(other <= place)
    if left >= 0:
        bounds.append(other >= place - left)
    if right >= 0:
        bounds.append(other <= place + right)
    return reduce(and_, bounds) if bounds else None


@operator("RotaryEmbedding")
def rotary_embedding(
    X: Tensor,
    cos_cache: Tensor,
    sin_cache: Tensor,
    position_ids: Tensor | None = None,
    *,
    interleaved: int = 0,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Tensor:
    """Pairs of features turned by an angle that grows with the place in the sequence.

    Source: J. Su et al., "RoFormer" (2021).
    """
    x = X.transpose(1, 2) if X.ndim == 4 else X.reshape(*X.shape[:2], num_heads, -1)
    size = rotary_embedding_dim or x.shape[-1]
    turned, kept = x[..., :size], x[..., size:]
    if position_ids is not None:
        places = position_ids.long()
        cos_cache = Index((0,))(cos_cache, places)
        sin_cache = Index((0,))(sin_cache, places)
    cos, sin = cos_cache.unsqueeze(2), sin_cache.unsqueeze(2)
    if interleaved:
        pairs = turned.reshape(*turned.shape[:-1], size // 2, 2)
        first, second = pairs[..., 0], pairs[..., 1]
    else:
        first, second = turned[..., : size // 2], turned[..., size // 2 :]
    real, imaginary = cos * first - sin * second, sin * first + cos * second
    if interleaved:
        made = cat([real.unsqueeze(-1), imaginary.unsqueeze(-1)], -1).reshape(turned.shape)
    else:
        made = cat([real, imaginary], -1)
    made = cat([made, kept], -1)
    return made.transpose(1, 2) if X.ndim == 4 else made.reshape(X.shape)
