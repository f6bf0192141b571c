"""How plugins get in: named in the configuration, imported, registered, built, provisioned, fenced, closed."""
