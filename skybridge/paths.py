"""Parts of URL patterns."""

UUID_PATTERN = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
SEGMENT_PATTERN = "[^/]{1,255}"
