"""Attention layers."""

from typing import Any

from ..errors import ArgumentError, ShapeError
from ..functional.attention import attention_weights
from ..functional.creation import zeros
from ..functional.dropout import dropout
from ..functional.matrix import linear
from ..ops import LogicalAnd, LogicalNot, Reshape
from ..tensor import Tensor
from . import init
from .linear import Linear
from .module import Module
from .parameter import Parameter

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention of several heads side by side, each with its share of the features.

    Args:
        embed_dim: size of the query's and the output's last dimension.
        num_heads: into how many heads it is split.
        dropout: the probability with which a weight is zeroed in training.
        bias: whether the projections add a bias.
        add_bias_kv, add_zero_attn: PyTorch's; only False is supported.
        kdim, vdim: sizes of the key's and the value's last dimension; `embed_dim` by default.
        batch_first: whether tensors are (N, L, E) rather than (L, N, E).
        device: the CPU.
        dtype: float32 by default.

    Attributes:
        in_proj_weight: shape (3 embed_dim, embed_dim): query, key and value one below the
            other; None where kdim or vdim differ, and then there are `q_proj_weight`,
            `k_proj_weight` and `v_proj_weight`.
        in_proj_bias: shape (3 embed_dim,), or None.
        out_proj: the linear layer at the end.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2.
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter
    k_proj_weight: Parameter
    v_proj_weight: Parameter

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ShapeError(
                f"MultiheadAttention: {embed_dim} features cannot be split into {num_heads} heads"
            )
        if add_bias_kv or add_zero_attn:
            raise ArgumentError(
                "MultiheadAttention: add_bias_kv and add_zero_attn are not supported"
            )
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout = dropout
        self.batch_first = batch_first
        place = {"device": device, "dtype": dtype}
        shapes = {
            "q_proj_weight": (embed_dim, embed_dim),
            "k_proj_weight": (embed_dim, self.kdim),
            "v_proj_weight": (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim),
        }
        packed = self.kdim == embed_dim == self.vdim
        for name, shape in shapes.items():
            is_used = (name == "in_proj_weight") == packed
            self.register_parameter(name, Parameter(zeros(shape, **place)) if is_used else None)
        self.in_proj_bias = Parameter(zeros(3 * embed_dim, **place)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, **place)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the projections of query, key and value anew; biases become 0."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            weight = getattr(self, name)
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None and self.out_proj.bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            query: shape (L, N, E), or (N, L, E) with `batch_first`, or (L, E).
            key, value: shapes (S, N, kdim) and (S, N, vdim), accordingly.
            key_padding_mask: bools of shape (N, S), True where a key is only padding.
            need_weights: whether the weights are returned too.
            attn_mask: shape (L, S) or (N * num_heads, L, S): bools, True where a query must
                *not* see a key, or floats that are added.
            average_attn_weights: whether the weights are averaged over the heads.
            is_causal: a hint that `attn_mask` is causal; it has no effect without the mask.

        Returns:
            The output, of the query's shape, and the weights of shape (N, L, S) or
            (N, num_heads, L, S), or None.
        """
        for name, tensor, size in (
            ("query", query, self.embed_dim),
            ("key", key, self.kdim),
            ("value", value, self.vdim),
        ):
            if tensor.ndim not in (2, 3) or tensor.shape[-1] != size:
                raise ShapeError(
                    f"MultiheadAttention expects a {name} with two or three dimensions, the last "
                    f"of size {size}, got shape {tensor.shape}"
                )
        if is_causal and attn_mask is None:
            raise ArgumentError("MultiheadAttention: is_causal is a hint and needs attn_mask")
        unbatched = query.ndim == 2
        batched = [tensor[None] if unbatched else tensor for tensor in (query, key, value)]
        if not unbatched and not self.batch_first:
            batched = [tensor.transpose(0, 1) for tensor in batched]
        heads = [
            self._split(linear(tensor, weight, bias))
            for tensor, (weight, bias) in zip(batched, self._projections(), strict=True)
        ]
        mask = self._mask(attn_mask, key_padding_mask, heads[0].shape[0])
        weights = attention_weights(heads[0], heads[1], mask, False, None)
        if self.training and self.dropout:
            weights = dropout(weights, self.dropout)
        output = (weights @ heads[2]).transpose(1, 2)
        output = self.out_proj(Reshape((*output.shape[:2], self.embed_dim))(output))
        if not unbatched and not self.batch_first:
            output = output.transpose(0, 1)
        if average_attn_weights:
            weights = weights.mean(1)
        if unbatched:
            output, weights = output[0], weights[0]
        return output, weights if need_weights else None

    def _projections(self) -> list[tuple[Tensor, Tensor | None]]:
        size = self.embed_dim
        if self.in_proj_weight is not None:
            weights = [self.in_proj_weight[i * size : (i + 1) * size] for i in range(3)]
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        if self.in_proj_bias is None:
            return [(weight, None) for weight in weights]
        return [(w, self.in_proj_bias[i * size : (i + 1) * size]) for i, w in enumerate(weights)]

    def _split(self, tensor: Tensor) -> Tensor:
        """(N, L, E) as (N, heads, L, E / heads)."""
        shape = (*tensor.shape[:2], self.num_heads, self.head_dim)
        return Reshape(shape)(tensor).transpose(1, 2)

    def _mask(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, batch: int
    ) -> Tensor | None:
        """Both masks in the form that broadcasts to (N, heads, L, S), True where visible."""
        masks = []
        if attn_mask is not None:
            if attn_mask.ndim == 3:
                attn_mask = Reshape((batch, self.num_heads, *attn_mask.shape[1:]))(attn_mask)
            masks.append(attn_mask)
        if key_padding_mask is not None:
            masks.append(Reshape((batch, 1, 1, key_padding_mask.shape[-1]))(key_padding_mask))
        if not masks:
            return None
        if all(mask.dtype.kind == "b" for mask in masks):
            visible = [LogicalNot()(mask) for mask in masks]
            return visible[0] if len(visible) == 1 else LogicalAnd()(*visible)
        added = [
            mask.float().masked_fill(mask, -float("inf")) if mask.dtype.kind == "b" else mask
            for mask in masks
        ]
        return added[0] if len(added) == 1 else added[0] + added[1]
