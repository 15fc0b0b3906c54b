"""Simulated machines and virtual time, for tests and studies of scheduling."""
