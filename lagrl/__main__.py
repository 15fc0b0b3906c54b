"""`python -m lagrl` is the same as `lagrl`."""

import os
import sys

if sys.path and sys.path[0] == os.getcwd():
    sys.path.append(sys.path.pop(0))  # so that a user's train.py does not hide our package

from lagrl.cli.entry import main

sys.exit(main())
