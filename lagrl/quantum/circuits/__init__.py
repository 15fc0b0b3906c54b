"""Parameterised circuits of knapsack subproblems: templates, ansätze, line QAOA and the statevector kernel."""
