"""The documents tell the truth: their code runs, and prints what they say it prints."""

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)#\s]+)")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A fenced block: its language, its text and the line it starts on."""

    language: str
    text: str
    line: int


def blocks_of(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start(2)) + 1)
        for found in BLOCK.finditer(text)
    ]


def run_python(block: Block, document: Path, names: dict[str, object]) -> str:
    """Run a block as if it stood at its lines of the document; return what it printed."""
    code = compile("\n" * (block.line - 1) + block.text, str(document), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def run_shell(block: Block) -> str:
    """Run those lines of a block that call `fathom`; return what they printed."""
    lines = block.text.replace("\\\n", " ").splitlines()
    script = "\n".join(line for line in lines if line.startswith("fathom "))
    programs = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": programs + os.pathsep + os.environ["PATH"]}
    done = subprocess.run(
        ["sh", "-e", "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, f"line {block.line}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_code_runs_and_prints_what_the_document_says(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of a document run one after another, in an empty folder.

    A block marked `text` after one of code is what the code prints; ``...`` stands for anything.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for block in blocks_of(document):
        if block.language == "python":
            printed = run_python(block, document, names)
        elif block.language == "sh":
            printed = run_shell(block)
        elif block.language == "text":
            agrees = doctest.OutputChecker().check_output(block.text, printed, OPTIONS)
            assert agrees, f"{document.name}, line {block.line}: printed was\n{printed}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_to_files(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    files = [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]
    missing = [link for link in files if not (document.parent / link).exists()]
    assert not missing
