"""Networks as Darknet's ``.cfg`` files describe them."""

from collections.abc import Sequence
from typing import Self

from .. import nn
from ..formats.darknet import Section, WeightsHeader, read_cfg, read_weights, write_cfg
from ..formats.files import PathLike
from ..ops import Array
from ..tensor import Tensor
from .darknet_layers import Layer
from .darknet_plan import NetworkPlan, plan_network
from .darknet_weights import Chunk, check_size, fill, write

__all__ = ["DarknetNetwork"]


class DarknetNetwork(nn.Module):
    """A network made from the sections of a ``.cfg``.

    The input has the shape that ``[net]`` says, (N, channels, height, width), or another height
    and width where no layer minds; the output is that of the last layer: after ``[softmax]``
    probabilities of shape (N, classes).

    Args:
        sections: the sections, from `fathom.formats.read_cfg`.

    Attributes:
        sections: the same.
        input_shape: channels, height and width of the images.
        seen: how many images it was trained on, for the header of a ``.weights`` file.

    Raises:
        ModelError: a section is unknown, or does not fit to those before.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        plan = plan_network(sections)
        self._build(sections, plan)
        for layer in self.layers:
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()

    def _build(self, sections: Sequence[Section], plan: NetworkPlan) -> None:
        self.sections = list(sections)
        self.input_shape = plan.input_shape
        self.seen = 0
        self.layers = nn.ModuleList([layer.make() for layer in plan.layers])
        self._flipped = [layer.is_flipped for layer in plan.layers]
        self._needed = {source for layer in plan.layers for source in layer.sources}

    @classmethod
    def read(cls, cfg: PathLike, weights: PathLike | None = None, partial: bool = False) -> Self:
        """A network from Darknet's files, ready for use: `eval` has been called.

        Args:
            cfg: the ``.cfg``.
            weights: the ``.weights``; without it the parameters are drawn.
            partial: whether the weights may end with an earlier layer than the network, as
                ``darknet53.conv.74`` does; the others are then drawn.

        Raises:
            MissingFileError, FileAccessError: a file cannot be read.
            FileFormatError: a file is damaged, or the weights are not those of the network.
            ModelError: a section is unknown, or does not fit to those before.
        """
        sections = read_cfg(cfg)
        if weights is None:
            return cls(sections).eval()
        plan = plan_network(sections)
        header, numbers = read_weights(weights)
        # Before any memory is asked for.
        check_size(weights, header, numbers, [layer.numbers for layer in plan.layers], partial)
        network = cls.__new__(cls)
        nn.Module.__init__(network)
        network._build(sections, plan)
        network._fill(weights, header, numbers, partial)
        return network.eval()

    def _fill(self, path: PathLike, header: WeightsHeader, numbers: Array, partial: bool) -> None:
        count = fill(path, header, numbers, self._chunks(), partial)
        self.seen = header.seen
        for layer in list(self.layers)[count:]:
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()

    def load_weights(self, path: PathLike, partial: bool = False) -> None:
        """Take the parameters from a ``.weights`` file; see `read`."""
        self._fill(path, *read_weights(path), partial)

    def save_weights(
        self, path: PathLike, layers: int | None = None, header: WeightsHeader | None = None
    ) -> None:
        """Write the parameters to a ``.weights`` file.

        Args:
            path: the file.
            layers: how many layers to write; all by default.
            header: its header; by default one of version 0.2 with `seen`.
        """
        write(path, header or WeightsHeader(seen=self.seen), self._chunks()[:layers])

    def save_cfg(self, path: PathLike) -> None:
        """Write the sections to a ``.cfg`` file."""
        write_cfg(path, self.sections)

    def _chunks(self) -> list[Chunk]:
        return [
            Chunk(layer.in_file_order(), is_flipped)
            for layer, is_flipped in zip(self.layers, self._flipped, strict=True)
            if isinstance(layer, Layer)
        ]

    def forward(self, images: Tensor) -> Tensor:
        """The output of the last layer."""
        x = images
        earlier: list[Tensor | None] = []
        for number, layer in enumerate(self.layers):
            x = layer(x, earlier)
            earlier.append(x if number in self._needed else None)
        return x
