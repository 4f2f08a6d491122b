"""A sled on a rail in many versions, each with one habit that environments of other packages have."""
