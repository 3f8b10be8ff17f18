"""What can be done with a study: a Python function for each verb of the command line, for notebooks and for the web."""
