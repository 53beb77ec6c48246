"""`python -m respkv` is `respkv`."""

import sys

from respkv.cli import main

sys.exit(main())
