"""What a study is written in: plain text files, YAML whose every key has a line, front matter, and .docx."""

from buttermilk.documents.docx import docx_text
from buttermilk.documents.plain import find_file, front_matter, header, in_plain_words, load_yaml, read_text, shown

__all__ = ["docx_text", "find_file", "front_matter", "header", "in_plain_words", "load_yaml", "read_text", "shown"]
