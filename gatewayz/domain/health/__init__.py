"""How the gateway and what it depends on are doing: read from the record of traffic and from checks, never guessed."""
