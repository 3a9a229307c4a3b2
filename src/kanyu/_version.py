"""The version of kanyu."""

__version__ = "0.1.0"
