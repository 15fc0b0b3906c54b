"""Reading and writing files: atomic replacement, append-only JSON lines, strict records, locks."""
