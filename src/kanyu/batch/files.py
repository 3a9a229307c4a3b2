"""Output that is whole or absent: written beside, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from kanyu.errors import KanyuError, OutputError

__all__ = ["LEFTOVERS", "atomically"]

LEFTOVERS: Final = ".kanyu-*.part"
"""What a killed run leaves beside its output."""


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path`, and put it in place when all is written and on the disk.

    Parameters
    ----------
    path : Path
        The file to be written; what stood there stays whole until the end.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OutputError
        When it cannot be written. Nothing is left beside it then.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    # Not the process's number: in a container every run may have the same one.
    temporary = target.with_name(f".kanyu-{secrets.token_hex(6)}.part")
    try:
        if target.exists() and not target.is_file():
            raise OutputError(f"cannot write {path}: not a regular file; choose another place with --out")
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except KanyuError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"cannot write {path}: {reason}; make room or choose another place with --out") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
