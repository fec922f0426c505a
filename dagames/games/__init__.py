"""The games: pi_0 and E, the objective of both players, and the certificate of a solution."""
