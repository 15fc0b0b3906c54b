"""Compiles the kernels once, before the first test."""

from __future__ import annotations

from lagrl.compilation import compile_kernels

compile_kernels()
