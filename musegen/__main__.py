"""`python -m musegen` is the `musegen` command."""

import sys

from .cli.main import main

sys.exit(main())
