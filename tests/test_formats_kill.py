"""A process that is killed while it saves loses no file."""

import os
import subprocess
import sys

import pytest

# A process that forks: a child saves again and again and is killed at a random moment; then
# the file must load, and be one of the versions that were saved, as a whole.
SCRIPT = """
import os, random, signal, sys, time
import numpy as np
import fathom

path, kills = sys.argv[1], int(sys.argv[2])
random.seed(0)

def version(number):
    weights = [fathom.full((size,), number) for size in (1, 1000, 50_000)]
    return {"number": number, "weights": weights}

fathom.save(version(0), path)
numbers = set()
for kill in range(1, kills + 1):
    child = os.fork()
    if child == 0:
        number = kill * 1000
        while True:
            fathom.save(version(number), path)
            number += 1
    time.sleep(random.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    loaded = fathom.load(path)
    for weight in loaded["weights"]:
        assert (weight.numpy() == loaded["number"]).all()
    numbers.add(loaded["number"])
fathom.save(version(-1), path)
print(len(numbers))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_hundreds_of_kills_during_saving_lose_no_version(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), "200"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 10  # saving went on between the kills
    assert os.listdir(tmp_path) == [path.name]
