"""The only folder that knows HTTP: the server protocol, the routes, the one endpoint, the errors as callers see them."""
