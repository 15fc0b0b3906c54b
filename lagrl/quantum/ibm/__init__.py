"""Execution on IBM devices through qiskit-ibm-runtime: account, options, jobs, results, status, usage, errors."""
