"""Attention."""

import math

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import MatMul, Softmax, Where
from ..tensor import Tensor, constant
from .dropout import dropout

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale * query @ keyᵀ + mask) @ value.

    Args:
        query: shape (…, L, E).
        key: shape (…, S, E).
        value: shape (…, S, Ev).
        attn_mask: bools of a shape that broadcasts to (…, L, S), False where a query must not
            see a key; or floats that are added.
        dropout_p: the probability with which a weight is zeroed.
        is_causal: whether query i sees only the keys up to i.
        scale: the factor; 1/√E by default.
        enable_gqa: whether several heads of the query (dimension -3) share a head of key
            and value.

    Returns:
        A tensor of shape (…, L, Ev). A query that must not see any key gets zeros.

    Raises:
        ShapeError: the shapes do not fit.

    Source: Vaswani et al., "Attention is all you need", 2017, equation 1.
    """
    if attn_mask is not None and is_causal:
        raise ArgumentError("scaled_dot_product_attention: give attn_mask or is_causal, not both")
    if enable_gqa:
        key = _repeat_heads(key, query)
        value = _repeat_heads(value, query)
    weights = attention_weights(query, key, attn_mask, is_causal, scale)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return MatMul()(weights, value)


def attention_weights(
    query: Tensor, key: Tensor, attn_mask: Tensor | None, is_causal: bool, scale: float | None
) -> Tensor:
    """softmax(scale * query @ keyᵀ + mask), of shape (…, L, S)."""
    if query.ndim < 2 or key.ndim < 2 or query.shape[-1] != key.shape[-1]:
        raise ShapeError(
            f"scaled_dot_product_attention: query of shape {query.shape} and key of shape "
            f"{key.shape} must have the same last dimension"
        )
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    scores = MatMul(transpose_second=True)(query * scale, key)
    if is_causal:
        attn_mask = constant(np.tri(query.shape[-2], key.shape[-2], dtype=bool))
    if attn_mask is None:
        return Softmax(scores.ndim - 1)(scores)
    if attn_mask.dtype.kind != "b":
        return Softmax(scores.ndim - 1)(scores + attn_mask)
    # A query that sees no key has equal scores everywhere rather than -inf, which has no
    # softmax; its weights are zeroed afterwards.
    sees_any = attn_mask.any(-1, True)
    hidden = Where()(sees_any, constant(-math.inf, scores.dtype), constant(0.0, scores.dtype))
    weights = Softmax(scores.ndim - 1)(Where()(attn_mask, scores, hidden))
    return Where()(sees_any, weights, 0.0)


def _repeat_heads(tensor: Tensor, query: Tensor) -> Tensor:
    heads, wanted = tensor.shape[-3], query.shape[-3]
    if wanted % heads:
        raise ShapeError(
            f"scaled_dot_product_attention: {wanted} heads of the query cannot share {heads} heads"
        )
    return tensor.repeat_interleave(wanted // heads, -3)
