"""The one table of op cases: every function, how to call it, and what to expect.

To add a family, put a module beside this file with a list named CASES; it is found by itself::

    # tests/op_cases/pooling.py
    from .case import Case, call

    def windows(numbers):
        yield call(numbers.distinct(2, 3, 8, 8), 2)
        yield call(numbers.distinct(1, 1, 7, 9), (3, 2), stride=2, padding=1)

    def tied_windows(numbers):
        yield call(np.zeros((1, 1, 4, 4)), 2)

    CASES = [
        Case("nn.functional.max_pool2d", windows, special=tied_windows),
        Case("argmax", rows, integers=("int64", "uint8"), gradient=False),
    ]

A sample is the arguments of a call, with NumPy arrays where tensors belong. float64 arrays are
what gradients are computed for and are given the dtype under test; integer and bool arrays stay
what they are. Say `special` for ties, kinks, NaN and infinities, where no difference of values
can check a gradient but PyTorch's choice is followed.

For each case `tests/test_operations.py` checks

1. first and second gradients against differences of values, in float64;
2. values, dtypes, shapes and gradients against PyTorch, in float32, float64 and the integer
   dtypes named, where PyTorch is installed;
3. that `Op.infer` says of every operation applied what its evaluation gave;
4. that nothing depends on how operands lie in memory (transposed, reversed, with gaps);
5. that methods and in-place spellings exist where PyTorch has them and give the same.

Take samples of every shape that matters: empty, zero-dimensional, size one, broadcast, odd.
"""

import pkgutil
from importlib import import_module

from .case import Call, Case, Numbers, call

__all__ = ["CASES", "Call", "Case", "Numbers", "call"]

CASES: list[Case] = []
for _module in pkgutil.iter_modules(__path__):
    CASES += getattr(import_module(f"{__name__}.{_module.name}"), "CASES", [])
