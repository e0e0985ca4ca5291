"""Stories that cross domains, one file each, named by a verb."""
