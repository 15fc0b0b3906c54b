"""Simulated quantum computers and virtual time, for tests and studies of scheduling."""
