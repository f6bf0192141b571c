"""How much a caller may ask for: windows, bursts and slots. Source: spec 00 §5."""
