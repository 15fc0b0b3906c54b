"""Contextual bandit that chooses a backend, qubits and a circuit for every knapsack, within limits."""
