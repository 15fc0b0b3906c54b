"""Solvers of carbon-aware placement: exact chains, proven bounds on all hours, controls and quantum circuits."""
