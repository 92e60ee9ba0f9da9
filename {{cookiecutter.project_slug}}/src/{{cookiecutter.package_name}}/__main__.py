"""`python -m` with the package's name is the console script under another name."""

import sys

from lockstep.commands.cli import main

sys.exit(main())
