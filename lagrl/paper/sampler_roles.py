"""What a sampler stands for in the paper's comparison of executions."""

from __future__ import annotations

EXACT = "exact knapsacks"
NO_CIRCUIT = "no circuit"
NOISY = "noisy simulation"
HARDWARE = "simulated hardware"
BANDIT = "simulated hardware + bandit"
ROLES = (EXACT, NO_CIRCUIT, NOISY, HARDWARE, BANDIT)
"""In the order of the tables; devices are fake backends."""


def role(sampler: str) -> str:
    """Return what a sampler stands for: one of `ROLES`, or its own name.

    A static bandit always takes one circuit on one device, as hardware without a choice. A sampler of an account's
    device keeps its name: it is no simulation.
    """
    name, _, rest = sampler.partition("+")
    if name == "exact":
        return EXACT
    if name == "product":
        return NO_CIRCUIT
    if name.startswith("noisy:"):
        return NOISY
    if name.startswith("ibm:Fake"):
        return HARDWARE
    if name.partition(":")[0] == "bandit" and "ibm_" not in rest:
        return HARDWARE if rest.startswith("static=") else BANDIT
    return sampler
