"""Figures and tables of the reference method (arXiv 2604.22194), each from rows; the command is `lagrl paper`."""
