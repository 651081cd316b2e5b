"""Random programs give compiled what they give eagerly, and touch only their own memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiler.watched import watched
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fathom
import fathom.compiler.schedule
import fathom.nn.functional as F
from fathom.tensor import Tensor

SIZES = st.sampled_from([0, 1, 1, 2, 3, 5, 8, 17, 33])


class Writer:
    """Chooses the operations of a program; `run` performs them on tensors.

    Values are kept near one, so that compiled and eager results differ by little.
    """

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw
        self.shapes: list[tuple[int, ...]] = []
        self.steps: list[tuple[Callable[..., Tensor], tuple[int, ...]]] = []
        self.inputs = draw(st.integers(1, 3))
        for _ in range(self.inputs):
            self.shapes.append(tuple(draw(st.lists(SIZES, min_size=0, max_size=3))))
        for _ in range(draw(st.integers(1, 8))):
            self._add()
        count = len(self.shapes)
        self.outputs = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3))
        self.updated = draw(st.none() | st.integers(0, count - 1))

    def _add(self) -> None:
        number = self.draw(st.integers(0, len(self.shapes) - 1))
        shape = self.shapes[number]
        kinds = ["map", "combine", "move"]
        if shape:
            kinds += ["reduce", "reduce", "select", "join", "scan"]
        if len(shape) >= 2:
            kinds += ["multiply", "multiply"]
        kind = self.draw(st.sampled_from(kinds))
        operation, operands = getattr(self, f"_{kind}")(number, shape)
        probes = [fathom.ones(self.shapes[operand]) for operand in operands]
        self.shapes.append(operation(*probes).shape)
        self.steps.append((operation, operands))

    def _map(self, number, shape):
        functions = [
            fathom.tanh,
            fathom.sigmoid,
            fathom.sin,
            lambda x: fathom.exp(-fathom.abs(x)),
            F.gelu,
            F.relu,
            lambda x: x.clamp(-0.5, 0.5),
            lambda x: (x * 3).to(fathom.int32).to(x.dtype),
            lambda x: fathom.where(x > 0, x, -2 * x),
            lambda x: 1 / (2 + x * x),
        ]
        return self.draw(st.sampled_from(functions)), (number,)

    def _combine(self, number, shape):
        others = [other for other, second in enumerate(self.shapes) if _broadcasts(shape, second)]
        functions = [fathom.add, fathom.sub, fathom.maximum, lambda a, b: fathom.tanh(a) * b]
        functions += [lambda a, b: fathom.atan2(a, 2 + b * b), lambda a, b: a.where(a > b, b)]
        return self.draw(st.sampled_from(functions)), (number, self.draw(st.sampled_from(others)))

    def _move(self, number, shape):
        functions = [lambda x: x.reshape(-1), lambda x: x[None], lambda x: x.expand(2, *x.shape)]
        if shape:
            functions += [
                lambda x: x.flip(0),
                lambda x: x[..., ::2],
                lambda x: x[..., 1:],
                lambda x: x.roll(1, -1),
                lambda x: F.pad(x, (1, 2)),
                lambda x: x.unsqueeze(-1).expand(*x.shape, 3),
            ]
        if len(shape) >= 2:
            functions += [
                lambda x: x.transpose(0, -1),
                lambda x: x.permute(*range(1, x.dim()), 0),
                lambda x: x.diagonal(dim1=-2, dim2=-1),
                lambda x: x.tril(),
                lambda x: x.transpose(-1, -2).reshape(-1),
            ]
        if len(shape) >= 4:  # not larger and larger
            functions = [lambda x: x.reshape(-1)]
        return self.draw(st.sampled_from(functions)), (number,)

    def _reduce(self, number, shape):
        axis = self.draw(st.integers(0, len(shape) - 1))
        keepdim = self.draw(st.booleans())
        functions = [
            lambda x: x.sum(axis, keepdim=keepdim),
            lambda x: x.sum(),
            lambda x: F.softmax(x, axis),
            lambda x: F.log_softmax(x, axis),
            lambda x: F.layer_norm(x, x.shape[-1:]) if x.shape[-1] > 4 else x,
            lambda x: x.cumsum(axis) / x.shape[axis] if x.shape[axis] else x,
        ]
        if shape[axis]:
            functions += [
                lambda x: x.mean(axis, keepdim=keepdim),
                lambda x: x.amax(axis, keepdim=keepdim),
                lambda x: x.argmin(axis, keepdim=keepdim).to(x.dtype) * 0.1,
                lambda x: x.logsumexp(axis, keepdim=keepdim),
            ]
        return self.draw(st.sampled_from(functions)), (number,)

    def _scan(self, number, shape):
        axis = self.draw(st.integers(0, len(shape) - 1))
        functions = [lambda x: x.sort(axis).values, lambda x: x.cumsum(axis).tanh()]
        if shape[axis]:
            functions += [lambda x: x.cummax(axis).values]
        return self.draw(st.sampled_from(functions)), (number,)

    def _select(self, number, shape):
        axis = self.draw(st.integers(0, len(shape) - 1))
        if not shape[axis]:
            return fathom.abs, (number,)
        places = st.lists(st.integers(0, shape[axis] - 1), max_size=4)
        index = fathom.tensor(np.array(self.draw(places), np.int64))
        functions = [
            lambda x: x.index_select(axis, index),
            lambda x: x.index_add(axis, index, fathom.sin(x.index_select(axis, index))),
            lambda x: x.index_copy(axis, index[:1], x.index_select(axis, index[:1]) * 2),
            lambda x: x.gather(axis, (x * 0).to(fathom.int64)),
        ]
        return self.draw(st.sampled_from(functions)), (number,)

    def _join(self, number, shape):
        axis = self.draw(st.integers(0, len(shape) - 1))
        others = [
            other
            for other, second in enumerate(self.shapes)
            if len(second) == len(shape)
            and all(a == b for n, (a, b) in enumerate(zip(shape, second, strict=True)) if n != axis)
        ]
        return lambda a, b: fathom.cat([a, b], axis), (
            number,
            self.draw(st.sampled_from(others)),
        )

    def _multiply(self, number, shape):
        columns = self.draw(st.integers(1, 20))
        factor = fathom.tensor(np.cos(np.arange(shape[-1] * columns)).reshape(-1, columns))
        bias = fathom.tensor(np.sin(np.arange(columns)))
        scale = max(shape[-1], 1)

        def layer(x: Tensor) -> Tensor:
            return F.relu(x @ factor.to(x.dtype) / scale + bias.to(x.dtype))

        functions = [
            layer,
            lambda x: x @ x.transpose(-1, -2) / scale,
            lambda x: x.transpose(-1, -2) @ fathom.tanh(x) / max(x.shape[-2], 1),
        ]
        return self.draw(st.sampled_from(functions)), (number,)

    def run(self, state: Tensor, *inputs: Tensor) -> list[Tensor]:
        """The values asked for, and the gradients of their sum by the inputs."""
        values = list(inputs)
        for operation, operands in self.steps:
            values.append(operation(*(values[operand] for operand in operands)))
        results = [values[output] for output in self.outputs]
        if self.updated is not None:
            with fathom.no_grad():
                update = values[self.updated].sum().tanh()
                state.copy_(fathom.flip(state, [0]) + update)
                results.append(state * 2)
                state.mul_(0.5)
        graded = [value for value in results if value.requires_grad]
        if not graded:
            return results
        total = sum(fathom.sin(value).sum() for value in graded)
        gradients = fathom.autograd.grad(total, inputs, allow_unused=True)
        return [*results, *(gradient for gradient in gradients if gradient is not None)]


def _broadcasts(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        return one == other or len(np.broadcast_shapes(one, other)) < 4
    except ValueError:
        return False


@st.composite
def programs(draw: Callable[[Any], Any]) -> Writer:
    return Writer(draw)


def tensors(writer: Writer, dtype: str) -> list[Tensor]:
    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape) for shape in writer.shapes[: writer.inputs]]
    return [fathom.tensor(np.asarray(a, dtype)).requires_grad_() for a in arrays]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_equals_eager(threads: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fathom.compiler.schedule, "WORTH_SHARING", 0)
    tolerance = 1e-3 if dtype == "float32" else 1e-9

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(programs())
    def agree(writer: Writer) -> None:
        inputs = tensors(writer, dtype)
        state, other = fathom.arange(7.0), fathom.arange(7.0)
        step = fathom.compile(lambda *values: writer.run(state, *values))
        for call in range(2):
            expected = writer.run(other, *inputs)
            if call:
                found = step(*inputs)
            else:
                with watched():
                    found = step(*inputs)
            assert len(found) == len(expected)
            for one, two in zip([*found, state], [*expected, other], strict=True):
                assert one.dtype == two.dtype
                np.testing.assert_allclose(
                    one.detach().numpy(), two.detach().numpy(), rtol=tolerance, atol=tolerance
                )

    before = fathom.get_num_threads()
    fathom.set_num_threads(threads)
    try:
        agree()
    finally:
        fathom.set_num_threads(before)
