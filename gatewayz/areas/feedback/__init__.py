"""What users think of answers. Source: spec 01 §7."""
