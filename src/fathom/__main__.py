"""``python -m fathom`` is the command ``fathom``."""

from .cli import main

if __name__ == "__main__":
    main()
