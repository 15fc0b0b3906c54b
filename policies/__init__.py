"""Trained controllers: a graph network that chooses every customer's step length, and its checkpoints."""

from __future__ import annotations

__lagrl__ = True  # see lagrl/__init__.py
