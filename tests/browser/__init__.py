"""The app as a visitor sees it: a real server, a real Chromium."""
