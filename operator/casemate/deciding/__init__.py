"""What people who decide about held requests see and do; a terminal and a console show it."""
