"""What the machine can do at most, as `fathom.peak` measures it."""

import fathom
from fathom.runtime.peak import Peak


def test_the_machine_calculates_and_moves_data():
    found = fathom.peak()
    assert found.threads == fathom.get_num_threads()
    assert 1e8 < found.operations_per_thread <= found.operations < 1e15
    assert 1e8 < found.bytes < 1e13
    assert 1e8 < found.cached_bytes < 1e14


def test_it_is_measured_once_for_each_number_of_threads():
    threads = fathom.get_num_threads()
    try:
        fathom.set_num_threads(1)
        alone = fathom.peak()
        assert alone is fathom.peak()
        assert alone.threads == 1
        assert alone.operations >= alone.operations_per_thread
    finally:
        fathom.set_num_threads(threads)


def test_it_is_printed_in_a_line():
    assert str(Peak(2, 480e9, 245e9, 45e9, 180e9)) == (
        "245 GFLOP/s per core, 480 on 2 threads; 45 GB/s from memory, 180 from the cores' caches"
    )
    assert "on 1 thread;" in str(Peak(1, 1e9, 1e9, 1e9, 1e9))
