"""What a reader sees: records as frames, tables, figures and a Markdown report."""

from reports.parts.frames import history_frame, layers_frame, trials_frame
from reports.write import Report, write, write_page

__all__ = ["Report", "history_frame", "layers_frame", "trials_frame", "write", "write_page"]
