"""Plans: which there are, which one a caller has, how one is assigned."""
