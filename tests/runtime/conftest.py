"""Tests keep their machine code to themselves."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["FATHOM_CACHE"] = str(tmp_path_factory.mktemp("cache"))
