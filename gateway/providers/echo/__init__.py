"""The provider that is built in: it answers with what it was asked, as a script says, for demos, tests and load."""
