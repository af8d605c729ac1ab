"""What the field knows: how to look at a Diego, and what to conclude from what is seen."""
