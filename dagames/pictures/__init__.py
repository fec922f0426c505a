"""Pictures, as plain data and as SVG, PNG or PDF."""
