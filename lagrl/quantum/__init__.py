"""Knapsacks as quantum circuits: penalties, candidate sets, simulation and samplers."""
