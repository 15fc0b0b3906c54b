"""`python -m lagrl` is the same as `lagrl`."""

import sys

from lagrl.cli.entry import main

sys.exit(main())
