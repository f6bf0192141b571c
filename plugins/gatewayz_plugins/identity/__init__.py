"""Identity providers: who a token says somebody is."""
