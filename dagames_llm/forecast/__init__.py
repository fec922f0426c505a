"""What training will do to sampled answers: expected steps, their rest, intervals."""
