"""What is remembered: records and ports, SQL beneath them.

`records` the values · `ports` what each part of the domain needs, as protocols · `sql` tables,
queries and migrations. Nothing here imports SQLAlchemy before a store is opened (`open.open_store`).
"""
