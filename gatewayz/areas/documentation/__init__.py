"""The description of the API, as a document and as pages."""
