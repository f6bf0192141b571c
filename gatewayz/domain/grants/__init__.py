"""Value that customers gain without paying: promised in the transaction that earns it, then booked once."""
