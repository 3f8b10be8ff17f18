"""The sections of a report, a file each: from what is known of a run, paragraphs, tables and figures."""
