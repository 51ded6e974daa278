"""The command line: one file a verb. `main` finds the verb; a verb's module imports what it needs when it runs."""
