"""Run the tests on every Python that is here, with the lowest and the newest versions allowed.

An interpreter that is not here is skipped, and said so; none is downloaded. Needs ``uv``. The environments stay in
``.cache/matrix``, so that a second run is quick.

    python scripts/matrix.py                          all of them
    python scripts/matrix.py --python 3.12 --versions lowest-direct -- tests/test_model.py -q
    python scripts/matrix.py --install-only
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
VERSIONS = ("lowest-direct", "highest")
# The lowest version that is there ready-made for that Python: old ones are not built from source for new interpreters.
WHEELS = ["--only-binary", ":all:", "--no-binary", "kanyu"]
TESTS = ["-m", "not browser", "-q"]


def uv(*arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run uv, which must not fetch an interpreter."""
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run(["uv", *arguments], cwd=ROOT, env=environment, text=True, capture_output=quiet, check=False)


def find(python: str) -> str | None:
    """The interpreter of that version, if it is here and starts; pyenv's too, whose shims may lead nowhere."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = sorted((root / "versions").glob(f"{python}.*/bin/python"), reverse=True)
    for place in [python, *map(str, places)]:
        found = uv("python", "find", "--no-project", "--system", place, quiet=True)
        if found.returncode == 0:
            return found.stdout.strip()
    return None


def prepare(interpreter: str, folder: Path, versions: str) -> str:
    """Make the environment; return what failed, or nothing."""
    python = str(folder / "bin" / "python")
    steps = [
        ["venv", "--quiet", "--allow-existing", "--python", interpreter, str(folder)],
        ["pip", "install", "--quiet", "--python", python, "--resolution", versions, *WHEELS, "-e", ".[all]"],
        # The tools of the tests are not what is tried here: the newest that leave the versions above alone.
        ["pip", "install", "--quiet", "--python", python, *WHEELS, "--group", "dev"],
    ]
    for step in steps:
        done = uv(*step, quiet=True)
        if done.returncode:
            return "\n".join(done.stderr.strip().splitlines()[-12:])
    return ""


def main() -> int:
    """Run what was asked for; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", choices=PYTHONS)
    parser.add_argument("--versions", action="append", choices=VERSIONS)
    parser.add_argument("--install-only", action="store_true")
    parser.add_argument("tests", nargs="*", help="arguments of pytest")
    options = parser.parse_args()
    lines = []
    failed = False
    for python in options.python or PYTHONS:
        interpreter = find(python)
        if interpreter is None:
            lines.append(f"Python {python}: skipped, not on this machine")
            continue
        for versions in options.versions or VERSIONS:
            folder = ROOT / ".cache" / "matrix" / f"{python}-{versions}"
            fault = prepare(interpreter, folder, versions)
            if not fault and not options.install_only:
                command = [str(folder / "bin" / "python"), "-m", "pytest", *(options.tests or TESTS)]
                fault = "" if subprocess.run(command, cwd=ROOT, check=False).returncode == 0 else "tests failed"
            failed = failed or bool(fault)
            lines.append(f"Python {python}, {versions}: {fault or 'passed'}")
            print(lines[-1], flush=True)
    print("\n".join(["", *lines]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
