"""The parts of the settings, one file for each room that reads them."""
