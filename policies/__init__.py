"""Trained controllers: a graph network that chooses the step length of every customer, and its checkpoints."""

from __future__ import annotations

__lagrl__ = True  # see lagrl/__init__.py
