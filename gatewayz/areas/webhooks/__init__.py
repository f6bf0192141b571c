"""Where customers are told of events. Source: spec 08 §5."""
