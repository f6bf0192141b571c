"""Work on a clock: in this process (`periodic`), or in one process at a time (`leased`)."""
