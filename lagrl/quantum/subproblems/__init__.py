"""Knapsack subproblems as QUBOs: candidate sets, penalties, product state, classical control samplers, ranking."""
