"""Knapsack subproblems as QUBOs: candidates, penalties, product state and classical control samplers."""
