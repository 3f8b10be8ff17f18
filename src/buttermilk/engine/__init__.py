"""From a flow to answers: plan (pure), assemble, attempt, limits, and the run that ties them."""
