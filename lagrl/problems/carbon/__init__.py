"""Carbon-aware placement of a model's layers on devices over the hours of a day: instances, files, checks."""
