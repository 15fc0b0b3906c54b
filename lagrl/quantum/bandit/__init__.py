"""Which backend, qubits and circuit answer a knapsack: a bandit with limits on what may run."""
