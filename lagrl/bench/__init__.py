"""Measuring controllers against each other: suites, resumable rows, statistics, reports."""
