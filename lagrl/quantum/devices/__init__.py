"""Device properties: fake backends, calibration errors, line placement, noise models and compilation."""
