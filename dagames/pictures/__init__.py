"""What is drawn, as plain data and as SVG, PNG or PDF."""
