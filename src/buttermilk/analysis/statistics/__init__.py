"""One statistic per file: a pure function to an `Estimate`, its formula and citation in its docstring."""
