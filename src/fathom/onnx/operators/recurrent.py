"""Recurrent networks: a step for each element of a sequence.

All take sequences (length, batch, features), or with `layout` = 1 (batch, length, features), and
weights (directions, gates * hidden, …).
"""

from collections.abc import Callable, Sequence
from typing import Any

from ...functional.creation import zeros
from ...functional.elementwise import where
from ...functional.joining import stack
from ...nn import functional as F
from ...ops import Array
from ...tensor import Tensor
from ..errors import MalformedModel
from ..operator import operator

Activation = Callable[[Tensor], Tensor]

_ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "affine": lambda x, alpha=1.0, beta=0.0: x * alpha + beta,
    "elu": lambda x, alpha=1.0, beta=0.0: F.elu(x, alpha),
    "hardsigmoid": lambda x, alpha=0.2, beta=0.5: (x * alpha + beta).clamp(0, 1),
    "leakyrelu": lambda x, alpha=0.01, beta=0.0: F.leaky_relu(x, alpha),
    "relu": lambda x, alpha=0.0, beta=0.0: F.relu(x),
    "scaledtanh": lambda x, alpha=1.0, beta=1.0: F.tanh(x * beta) * alpha,
    "sigmoid": lambda x, alpha=0.0, beta=0.0: F.sigmoid(x),
    "softplus": lambda x, alpha=0.0, beta=0.0: F.softplus(x),
    "softsign": lambda x, alpha=0.0, beta=0.0: F.softsign(x),
    "tanh": lambda x, alpha=0.0, beta=0.0: F.tanh(x),
    "thresholdedrelu": lambda x, alpha=1.0, beta=0.0: F.threshold(x, alpha, 0.0),
}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


def _activations(
    names: Sequence[str], alphas: Sequence[float] | None, betas: Sequence[float] | None
) -> list[Activation]:
    made = []
    left, right = iter(alphas or ()), iter(betas or ())
    for name in names:
        if name.lower() not in _ACTIVATIONS:
            raise MalformedModel(f"there is no activation {name!r}")
        options: dict[str, float] = {}
        for key, values in (("alpha", left), ("beta", right)):
            value = next(values, None)
            if value is not None:
                options[key] = value
        made.append(_bound(_ACTIVATIONS[name.lower()], options))
    return made


def _bound(function: Callable[..., Tensor], options: dict[str, float]) -> Activation:
    return lambda x: function(x, **options)


def _run(
    step: Callable[[int, Tensor, list[Tensor]], list[Tensor]],
    X: Tensor,
    states: list[Tensor],
    lengths: Array | None,
    direction: str,
    layout: int,
) -> tuple[Tensor, ...]:
    """All directions of a recurrent network.

    Args:
        step: computes the states after one element of the sequence, for a direction, from the
            element (batch, features) and the states before, (batch, hidden) each.
        X: the sequences.
        states: those at the beginning, (directions, batch, hidden) each.
        lengths: how long each sequence is; all by default.
        direction, layout: as ONNX has them.
    """
    if layout:
        X, states = X.movedim(0, 1), [state.movedim(0, 1) for state in states]
    if direction not in _DIRECTIONS:
        raise MalformedModel(f"there is no direction {direction!r}")
    sequences, finals = [], []
    for number, is_reverse in enumerate(_DIRECTIONS[direction]):
        now = [state[number] for state in states]
        found: list[Any] = [None] * X.shape[0]
        for time in reversed(range(X.shape[0])) if is_reverse else range(X.shape[0]):
            new = step(number, X[time], now)
            shown = new[0]
            if lengths is not None and (lengths <= time).any():
                # Behind its end a sequence keeps its state, and shows zeros.
                goes_on = Tensor((lengths > time).reshape(-1, 1), dtype=bool)
                new = [where(goes_on, each, kept) for each, kept in zip(new, now, strict=True)]
                shown = where(goes_on, shown, shown * 0)
            now = new
            found[time] = shown
        sequences.append(stack(found))
        finals.append(now)
    output = stack(sequences, 1)
    last = [stack([final[place] for final in finals]) for place in range(len(states))]
    if layout:
        return output.permute(2, 0, 1, 3), *[state.movedim(0, 1) for state in last]
    return output, *last


def _start(given: Tensor | None, X: Tensor, W: Tensor, hidden: int, layout: int) -> Tensor:
    if given is not None:
        return given
    batch = X.shape[0 if layout else 1]
    shape = (batch, W.shape[0]) if layout else (W.shape[0], batch)
    return zeros(*shape, hidden, dtype=X.dtype)


def _biases(B: Tensor | None, W: Tensor) -> tuple[Tensor, Tensor]:
    """The biases of the products with the input and with the state."""
    if B is None:
        none = zeros(*W.shape[:2], dtype=W.dtype)
        return none, none
    half = B.shape[1] // 2
    return B[:, :half], B[:, half:]


def _clipped(x: Tensor, clip: float | None) -> Tensor:
    return x if clip is None else x.clamp(-clip, clip)


@operator("RNN")
def rnn(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    B: Tensor | None = None,
    sequence_lens: Array | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    output_sequence: int = 1,
) -> tuple[Tensor, ...]:
    """h' = f(x W^T + h R^T + b)."""
    hidden = R.shape[-1]
    functions = _activations(activations or ["Tanh"] * len(W), activation_alpha, activation_beta)
    of_input, of_state = _biases(B, W)

    def step(number: int, x: Tensor, states: list[Tensor]) -> list[Tensor]:
        total = F.linear(x, W[number], of_input[number])
        total = total + F.linear(states[0], R[number], of_state[number])
        return [functions[number](_clipped(total, clip))]

    start = [_start(initial_h, X, W, hidden, layout)]
    return _run(step, X, start, sequence_lens, direction, layout)


@operator("GRU")
def gru(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    B: Tensor | None = None,
    sequence_lens: Array | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
    output_sequence: int = 1,
) -> tuple[Tensor, ...]:
    """Gates z (update) and r (reset), a candidate h~; h' = (1 - z) h~ + z h."""
    hidden = R.shape[-1]
    names = activations or ["Sigmoid", "Tanh"] * len(W)
    functions = _activations(names, activation_alpha, activation_beta)
    of_input, of_state = _biases(B, W)

    def step(number: int, x: Tensor, states: list[Tensor]) -> list[Tensor]:
        (h,) = states
        gate, candidate = functions[2 * number : 2 * number + 2]
        input = F.linear(x, W[number], of_input[number])
        weights, bias = R[number], of_state[number]
        both = input[:, : 2 * hidden] + F.linear(h, weights[: 2 * hidden], bias[: 2 * hidden])
        both = gate(_clipped(both, clip))
        update, reset = both[:, :hidden], both[:, hidden:]
        if linear_before_reset:
            inner = reset * F.linear(h, weights[2 * hidden :], bias[2 * hidden :])
        else:
            inner = F.linear(reset * h, weights[2 * hidden :], bias[2 * hidden :])
        new = candidate(_clipped(input[:, 2 * hidden :] + inner, clip))
        return [(1 - update) * new + update * h]

    start = [_start(initial_h, X, W, hidden, layout)]
    return _run(step, X, start, sequence_lens, direction, layout)


@operator("LSTM")
def lstm(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    B: Tensor | None = None,
    sequence_lens: Array | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    P: Tensor | None = None,
    *,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
    output_sequence: int = 1,
) -> tuple[Tensor, ...]:
    """Gates i, o and f, a candidate c~; c' = f c + i c~, h' = o h(c'); P are peepholes."""
    hidden = R.shape[-1]
    names = activations or ["Sigmoid", "Tanh", "Tanh"] * len(W)
    functions = _activations(names, activation_alpha, activation_beta)
    of_input, of_state = _biases(B, W)

    def step(number: int, x: Tensor, states: list[Tensor]) -> list[Tensor]:
        h, c = states
        gate, candidate, output = functions[3 * number : 3 * number + 3]
        total = F.linear(x, W[number], of_input[number])
        total = total + F.linear(h, R[number], of_state[number])
        inward, outward, forget, new = (
            total[:, place * hidden : (place + 1) * hidden] for place in range(4)
        )
        peepholes = None if P is None else P[number].reshape(3, hidden)
        if peepholes is not None:
            inward, forget = inward + peepholes[0] * c, forget + peepholes[2] * c
        inward = gate(_clipped(inward, clip))
        forget = 1 - inward if input_forget else gate(_clipped(forget, clip))
        cell = forget * c + inward * candidate(_clipped(new, clip))
        if peepholes is not None:
            outward = outward + peepholes[1] * cell
        return [gate(_clipped(outward, clip)) * output(cell), cell]

    start = [_start(given, X, W, hidden, layout) for given in (initial_h, initial_c)]
    return _run(step, X, start, sequence_lens, direction, layout)
