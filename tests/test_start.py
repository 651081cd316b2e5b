"""`start.py` sets a clone up; what it does then is tried by whoever runs it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

START = Path(__file__).parent.parent / "start.py"


def test_an_older_python_can_read_it() -> None:
    ast.parse(START.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["fly"], 2), (["--help"], 0)])
def test_it_says_what_it_can_do(arguments: list[str], status: int) -> None:
    done = subprocess.run(
        [sys.executable, str(START), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert "python3 start.py train" in done.stdout
    assert "python3 start.py test" in done.stdout
