"""A prompt's test cases: read from its file, judged when they are answered, replayed from what was recorded."""
