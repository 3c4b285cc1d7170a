"""From Markdown to one HTML page, and the page of a study under way."""
