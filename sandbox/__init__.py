"""What runs inside a sandbox; shares no code with the program that judges."""
