"""Lets tests run beside each other: `pytest -n auto` starts a process for each core."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before NumPy is loaded: a process of its own for each core needs one thread.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
