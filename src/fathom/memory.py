"""Memory that one step of a training frees and the next one needs again."""

import ctypes

# The names and numbers of glibc's <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

_KEPT_BYTES = 256 * 2**20
_LARGEST_KEPT_ARRAY = 32 * 2**20  # the most that glibc allows


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory for the next arrays, up to 256 MiB.

    By default glibc hands the memory of freed arrays back to the operating system, which
    clears every page of it again when the next step asks for it: half the time of a
    convolutional network's step. Arrays of more than 32 MiB are still handed back.

    Returns:
        Whether the C library has these settings; elsewhere nothing is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_ARRAY) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    )
