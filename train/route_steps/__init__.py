"""Trainings of a route policy's steps in the environment: cloning, and PPO."""
