"""A shop's database: questions over PyMySQL, bulk work by the server and its own client programs."""
