"""Following providers' model lists, for administrators. Source: spec 07 §6."""
