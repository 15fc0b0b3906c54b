"""The report as one web page, in a file of its own that requests nothing."""
