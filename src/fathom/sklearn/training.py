"""Training on arrays in memory, an epoch at a time."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..functional.random import Generator, default_generator
from ..nn import Module
from ..optim import Optimizer
from ..tape import Node
from ..tensor import Tensor, wrap
from ..train.compilation import BatchFunction, Compilation
from ..train.errors import NonFiniteLossError
from ..train.evaluation import evaluating, prediction_of
from ..train.step import training_step

Array = np.ndarray[Any, np.dtype[Any]]

# With fewer steps, compiling takes longer than it spares.
_STEPS_WORTH_COMPILING = 200
_PREDICTIONS_WORTH_COMPILING = 50


class Samples(NamedTuple):
    """What is trained on.

    Attributes:
        inputs: of shape (N, features).
        targets: class numbers of shape (N,), or numbers of shape (N, outputs).
        weights: how much each sample counts, of shape (N,), with a mean of 1.
    """

    inputs: Array
    targets: Array
    weights: Array


class RandomNumbers:
    """Within ``with`` blocks of it, the default generator goes on from a seed of its own.

    Afterwards the generator is as it was before.
    """

    def __init__(self, seed: int) -> None:
        self._key = Generator().manual_seed(seed).get_state()

    def __enter__(self) -> None:
        self._before = default_generator.get_state()
        default_generator.set_state(self._key)

    def __exit__(self, *_: object) -> None:
        self._key = default_generator.get_state()
        default_generator.set_state(self._before)


class Training:
    """A model, its optimizer and their random numbers, from one epoch to the next.

    A copy or a pickle goes on from the same place; it compiles anew.

    Args:
        model: the model.
        loss: takes the model's output and a tuple of targets and weights, and returns the sum
            of the weighted losses.
        optimizer: the optimizer of the model's parameters.
        order: puts the samples of each epoch in order.
        random_numbers: what is drawn within the model, by dropout.
        compile: whether steps are compiled.

    Attributes:
        steps: how many steps the optimizer has taken.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Tensor, tuple[Tensor, Tensor]], Tensor],
        optimizer: Optimizer,
        order: np.random.RandomState,
        random_numbers: RandomNumbers,
        compile: bool,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.order = order
        self.random_numbers = random_numbers
        self.compile = compile
        self.steps = 0
        self._prepare()

    def _prepare(self) -> None:
        compilation = Compilation(self.compile)
        step = training_step(self.model, self.loss, self.optimizer)
        self._step = BatchFunction(step, self.model, compilation)
        self._prediction = prediction_of(self.model, compilation)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("_step", "_prediction")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._prepare()

    def is_worth_compiling(self, steps: int) -> bool:
        """Whether so many steps more are enough for a program of their own."""
        return self.steps + steps >= _STEPS_WORTH_COMPILING

    def epoch(
        self, samples: Samples, batch_size: int, is_shuffled: bool, is_compiled: bool
    ) -> float:
        """Train once on all samples.

        Args:
            samples: at least as many as a batch has.
            batch_size: how many samples each batch has.
            is_shuffled: whether they are taken in random order.
            is_compiled: whether the step runs as a program.

        Returns:
            The mean loss of the samples, each before the step that it was part of.

        Raises:
            NonFiniteLossError: the loss is NaN or infinite.
        """
        inputs, targets, weights = samples
        count = len(inputs)
        order = self.order.permutation(count) if is_shuffled else np.arange(count)
        # All batches have one shape, so that there is one program: the last one is filled up
        # with samples of the first, which weigh nothing there.
        order = np.append(order, order[: -count % batch_size])
        total = 0.0
        self.model.train()
        with self.random_numbers:
            for start in range(0, count, batch_size):
                rows = order[start : start + batch_size]
                counted = min(batch_size, count - start)
                share = weights[rows] / counted
                share[counted:] = 0
                loss, _ = self._step(
                    # The very first step makes the optimizer's moments, which the others find:
                    # a program of it would be for nothing else.
                    is_compiled and self.steps > 0,
                    (_tensor(inputs[rows]),),
                    (_tensor(targets[rows]), _tensor(share)),
                )
                value = loss.item()
                if not math.isfinite(value):
                    epoch = self.steps * batch_size // count + 1
                    raise NonFiniteLossError.at(value, epoch, start // batch_size + 1)
                total += value * counted
                self.steps += 1
        self.model.eval()
        return total / count

    def outputs(self, inputs: Array, batch_size: int) -> Array:
        """What the model gives for each of the inputs, in evaluation mode."""
        count = len(inputs)
        batch_size = min(batch_size, count)
        is_compiled = count >= _PREDICTIONS_WORTH_COMPILING * batch_size
        outputs = []
        with evaluating(self.model):
            for start in range(0, count, batch_size):
                # The last batch reaches back, so that it is as large as the others.
                first = min(start, count - batch_size)
                batch = inputs[first : first + batch_size].copy()
                output = self._prediction(is_compiled, (_tensor(batch),))
                outputs.append(output.numpy()[start - first :])
        return np.concatenate(outputs)


def _tensor(array: Array) -> Tensor:
    """A tensor of an array that nobody else has; `from_numpy` would copy it."""
    return wrap(Node(array))
