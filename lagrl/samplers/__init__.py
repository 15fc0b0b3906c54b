"""Subproblem samplers: the registry, the parsed sampler string, and the samplers that run circuits."""
