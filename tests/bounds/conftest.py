"""Kernels are compiled before any test, so that no deadline of hypothesis meets a compilation."""

from __future__ import annotations

from lagrl.compilation import compile_kernels

compile_kernels()
