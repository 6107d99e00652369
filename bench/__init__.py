"""Role: measures Trivet and its peers, one after the other, with the same load."""
