"""Solvers of LLM cascade routing: exact, Lagrangian, greedy, annealing, circuits; and the published experiments."""
