"""Episodes that ascend the dual of a route relaxation: `LagrangianCVRP-v0` with `relaxation="paths"` or `"ng"`."""
