"""From a CVRP to a Lagrangian dual function: linearisation, knapsacks, sampler and dual."""
