import numpy as np
import pytest

from fathom.compiler.random import UniformKernel
from fathom.ops.random import Uniform

from .native import run, unset

KEY = np.dtype("int64")


def drawn(key, size, dtype, threads=1):
    kernel = UniformKernel((KEY, np.dtype(dtype)), size)
    return run(kernel, key, unset(size, dtype), threads=threads)[1]


def eager(key, size, dtype):
    return Uniform((size,), np.dtype(dtype)).evaluate(key)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0, 1, 7, 128, 256, 1000])
def test_numbers_are_those_of_the_eager_operation(size, dtype):
    key = np.array([1234, 77], np.int64)
    np.testing.assert_array_equal(drawn(key, size, dtype), eager(key, size, dtype))


@pytest.mark.parametrize("threads", [2, 3, 40])
def test_numbers_do_not_depend_on_how_many_threads_draw_them(threads):
    key = np.array([-5, 0], np.int64)
    np.testing.assert_array_equal(drawn(key, 1000, "float32", threads), eager(key, 1000, "float32"))


@pytest.mark.parametrize("count", [2**63 - 10, 2**64 - 10, 2**64 - 1, 2**32 - 3])
def test_a_count_near_the_end_of_a_word_carries_over(count):
    key = np.array([2**64 - 1, count], np.uint64).view(np.int64)
    np.testing.assert_array_equal(drawn(key, 300, "float64"), eager(key, 300, "float64"))


def test_a_kernel_reads_well():
    text = str(UniformKernel((KEY, np.dtype("float32")), 1000))
    assert text == "for i < 1000:\n    b1[i] = uniform(seed=b0[0], count=b0[1] + i / 8)  # float32"
