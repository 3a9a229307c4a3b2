"""``python -m kanyu``."""

from kanyu.cli import main

main()
