"""Models, their names, and the order in which their offers are tried."""
