"""What a network costs: counted, measured, or looked up in a table of its blocks."""
