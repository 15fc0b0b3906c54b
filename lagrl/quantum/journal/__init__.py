"""Durable records of sampler calls and device jobs, replay of recorded runs, redaction of secrets."""
