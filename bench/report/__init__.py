"""What is read: the report of a run (one HTML file for screen, phone and printer), the terminal's tables, JUnit."""
