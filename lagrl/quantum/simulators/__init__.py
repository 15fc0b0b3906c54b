"""Backends that simulate noisy devices: surrogate, density matrices and trajectories, on Aer."""
