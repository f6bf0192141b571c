"""The pages for people: the operator's dashboard and the public status page."""
