"""The studio: a local server and a page that do what the command line does."""
