"""Media made ready for those who look at them: pictures within limits, frames and sound of films, PDF pages, OCR."""
