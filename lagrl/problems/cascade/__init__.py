"""LLM cascade routing as plain data: instances, files, price tables of others, presolve, proofs, answers."""
