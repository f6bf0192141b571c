"""Many calls from one file, at leisure. Source: OpenAI API reference, Batch."""
