"""Who gets in where no key is written, one cloud per file. `door.door_of(agent)` opens them."""
