"""Studies behind the tables of the documentation, one folder each; run them from a checkout with `python -m`."""
