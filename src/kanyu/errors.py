"""Every error that kanyu raises on purpose.

::

    KanyuError
    ├── InputError (ValueError)          the input cannot be used
    │   └── UnknownFormatError           … because no importer knows it
    ├── OutputError (OSError)            the output cannot be written
    ├── ModelError (ValueError)          the model file cannot be used
    ├── DataError (ValueError)           labelled data breaks its schema
    ├── UsageError (ValueError)          the call itself is wrong
    └── MissingExtraError (ImportError)  an optional dependency is absent

A message of an error is one line that says what, where and what to do. It never holds a message's text.
"""

from __future__ import annotations

__all__ = [
    "DataError",
    "InputError",
    "KanyuError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "UnknownFormatError",
    "UsageError",
]


class KanyuError(Exception):
    """Base of every error that kanyu raises on purpose."""


class InputError(KanyuError, ValueError):
    """The input cannot be used: missing, empty, binary, damaged, too large."""


class UnknownFormatError(InputError):
    """No importer recognises the file."""


class OutputError(KanyuError, OSError):
    """The output cannot be written; whatever stood there before is whole."""


class ModelError(KanyuError, ValueError):
    """The model file is missing, damaged, or of a version that this kanyu cannot read."""


class DataError(KanyuError, ValueError):
    """Labelled data does not follow the schema of ``data/README.md``."""


class UsageError(KanyuError, ValueError):
    """A parameter has a value outside its range."""


class MissingExtraError(KanyuError, ImportError):
    """An optional dependency is absent.

    Parameters
    ----------
    what : str
        What was asked for, as a person would call it.
    extra : str
        The extra that brings it, as in ``pip install 'kanyu[extra]'``.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part: pip install 'kanyu[{extra}]'")
        self.extra = extra
