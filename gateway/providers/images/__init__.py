"""Images that callers give as URLs, fetched for wires that need bytes: where configured, from public addresses alone."""
