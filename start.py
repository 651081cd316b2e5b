"""Set Fathom up in this clone and start it; all this needs is Python and a package index.

    python3 start.py train    train a network on handwritten digits
    python3 start.py test     run the tests

Further arguments are passed on: `python3 start.py train --epochs 40`, `python3 start.py test -x`.
The first call makes the virtual environment `.venv` and installs Fathom into it; the next
calls start at once.
"""

# An older Python must still be able to read this file, to be told that it is too old.

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = os.path.join(ROOT, ".venv")
PROGRAMS = os.path.join(ENVIRONMENT, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(PROGRAMS, "python.exe" if os.name == "nt" else "python")

# What to install, and what to run, by the word on the command line.
TASKS = {
    "train": (".[plots,images]", ["-m", "fathom", "train"]),
    "test": (".[test]", ["-m", "pytest", "-n", "auto"]),
}


def main(arguments):
    if not arguments or arguments[0] not in TASKS:
        print(__doc__.strip())
        return 0 if arguments in (["-h"], ["--help"]) else 2
    requirement, command = TASKS[arguments[0]]
    check_python()
    make_environment()
    install(requirement)
    command = command + arguments[1:]
    say("python " + " ".join(command))
    return run(command)


def check_python():
    """Stop where this Python is too old, and name a newer one if there is one."""
    if sys.version_info >= (3, 11):
        return
    names = [f"python3.{minor}" for minor in range(20, 10, -1)]
    newer = [name for name in names if shutil.which(name)]
    advice = f"run `{newer[0]} start.py` instead" if newer else "get one from python.org"
    stop(f"Fathom needs Python 3.11 or newer, and this is {sys.version.split()[0]}; {advice}.")


def make_environment():
    """Make `.venv`, unless there is one that works."""
    if os.path.isdir(ENVIRONMENT):
        if not works("import sys; sys.exit(sys.version_info < (3, 11))"):
            stop(f"The environment {ENVIRONMENT} does not work; delete that folder and try again.")
        return
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        stop(
            "This Python lacks the modules `venv` and `ensurepip`, which make virtual "
            "environments; on Debian and Ubuntu: sudo apt install python3-venv"
        )
    say("making the virtual environment .venv")
    try:
        venv.create(ENVIRONMENT, with_pip=True, symlinks=os.name != "nt")
    except BaseException:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise


def install(requirement):
    """Install Fathom from this clone with the extras named, unless that was done before."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        wanted = hashlib.sha256(requirement.encode() + file.read()).hexdigest()
    stamp = os.path.join(ENVIRONMENT, "installed-" + "".join(filter(str.isalpha, requirement)))
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == wanted:
                return
    if not works("import pip"):
        call(["-m", "ensurepip"], "pip could not be put into .venv.")
    say("installing Fathom and what it needs into .venv (once; it may take a minute)")
    quiet = ["--quiet", "--disable-pip-version-check"]
    call(
        ["-m", "pip", "install", *quiet, "--editable", requirement],
        "The installation failed; pip says above why. It needs a network or a package index.",
    )
    with open(stamp, "w") as file:
        file.write(wanted)


def works(code):
    """Whether the environment's Python runs this code without an error."""
    try:
        return subprocess.call([PYTHON, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def call(arguments, complaint):
    """Call the environment's Python, and stop with the complaint where that fails."""
    if subprocess.call([PYTHON, *arguments], cwd=ROOT):
        stop(complaint)


def run(arguments):
    """Let the environment's Python take this one's place: Ctrl-C and exit status are its own."""
    os.chdir(ROOT)
    if os.name == "nt":
        return subprocess.call([PYTHON, *arguments])
    return os.execv(PYTHON, [PYTHON, *arguments])


def say(text):
    print("start.py: " + text, flush=True)


def stop(complaint):
    sys.exit("start.py: " + complaint)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
