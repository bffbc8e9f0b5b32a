"""One module a step; each is imported when it is first shown (advisor.tui.frame.SCREENS says where it stands)."""
