"""Tables of learned vectors."""

from typing import Any, Self

from ..errors import ArgumentError, IndexOutOfRange, ShapeError
from ..functional.creation import zeros
from ..functional.embedding import embedding
from ..tape import no_grad
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Embedding"]


class Embedding(Module):
    """Turns integers into rows of a learned table.

    The table starts with standard normal numbers, as in PyTorch.

    Args:
        num_embeddings: the number of rows; indices are in [0, num_embeddings).
        embedding_dim: the size of a row.
        padding_idx: a row that starts as zeros and gets no gradient.
        max_norm, norm_type, scale_grad_by_freq, sparse: PyTorch's; only their defaults are
            supported.
        _weight: the table to begin with.
        _freeze: whether the table gets no gradient.
        device: the CPU.
        dtype: float32 by default.

    Attributes:
        weight: shape (num_embeddings, embedding_dim).
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if max_norm is not None or scale_grad_by_freq or sparse:
            raise ArgumentError(
                "Embedding: max_norm, scale_grad_by_freq and sparse are not supported"
            )
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise IndexOutOfRange(
                    f"Embedding: padding_idx {padding_idx} is outside the table of "
                    f"{num_embeddings} rows"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            self.weight = Parameter(zeros(shape, device=device, dtype=dtype), not _freeze)
            self.reset_parameters()
        elif _weight.shape != shape:
            raise ShapeError(f"Embedding: the table has shape {_weight.shape}, expected {shape}")
        else:
            self.weight = Parameter(_weight, not _freeze)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """An embedding with a given table, of shape (num_embeddings, embedding_dim)."""
        rows, size = embeddings.shape
        return cls(rows, size, padding_idx, _weight=embeddings, _freeze=freeze)

    @no_grad()
    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        return embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
