"""The verbs of the command line, each: parse, call one function of `buttermilk.study`, print."""
