"""Files that users keep here. Source: OpenAI API reference, Files."""
