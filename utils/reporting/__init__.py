"""The parts of a report, a file each: what stands in it, and in `templates` how it looks."""
