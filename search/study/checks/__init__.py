"""What holds a report against its own study: written again, evaluated again, trained again."""
