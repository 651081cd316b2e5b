"""Freed memory stays at hand."""

import numpy as np
import pytest

from fathom.memory import keep_freed_memory


def page_faults() -> int:
    resource = pytest.importorskip("resource")
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)


def test_arrays_reuse_the_memory_that_others_freed() -> None:
    if not keep_freed_memory():
        pytest.skip("the C library is not glibc")
    sizes = [2**16, 2**18, 2**20]
    for size in sizes:
        np.ones(size)
    before = page_faults()
    for _ in range(20):
        for size in sizes:
            np.ones(size)
    pages = 20 * sum(sizes) * 8 // 4096
    assert page_faults() - before < pages / 10
