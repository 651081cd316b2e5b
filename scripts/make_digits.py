"""Write the digits that are part of the installation, from the copy in scikit-learn.

Usage: python scripts/make_digits.py
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from fathom.formats import write_idx

FOLDER = Path(__file__).parents[1] / "src/fathom/data/datasets/embedded"


def main() -> None:
    digits = load_digits()
    write_idx(FOLDER / "digits-images-idx3-ubyte.gz", digits.images.astype(np.uint8))
    write_idx(FOLDER / "digits-labels-idx1-ubyte.gz", digits.target.astype(np.uint8))


if __name__ == "__main__":
    main()
