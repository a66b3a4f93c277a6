"""The command ``ferrome``."""

import sys
from typing import NoReturn

from ferrome import _core


def main() -> NoReturn:
    """Run the command line; the process ends with its exit code."""
    _core.main(["ferrome", *sys.argv[1:]])


if __name__ == "__main__":
    main()
