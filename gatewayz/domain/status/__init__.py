"""What the status page shows: tiers, uptimes and one word for everything, read from the one record of traffic."""
