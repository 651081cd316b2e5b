"""The errors of the lowest room; `fathom.errors` adds the others and re-exports these."""


class FathomError(Exception):
    """The base of every error that Fathom raises on purpose.

    Each also derives from the built-in error that PyTorch or Python would raise in its
    place, so ``except RuntimeError`` and ``except IndexError`` keep working.
    """


class ShapeError(FathomError, RuntimeError, ValueError):
    """Shapes do not fit each other or the operation."""


class NoElements(ShapeError, IndexError):
    """There is nothing to choose from."""


class DTypeError(FathomError, RuntimeError, TypeError):
    """An element type does not fit the operation."""


class IndexOutOfRange(FathomError, IndexError):
    """An index, a dimension or a label lies outside its range."""


class DivisionByZero(FathomError, RuntimeError, ZeroDivisionError):
    """An integer is divided by zero."""


class LinAlgError(FathomError, RuntimeError, ValueError):
    """A matrix has no inverse, or no factorization of the kind that was asked for."""
