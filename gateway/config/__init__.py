"""What users write, read with positions, checked as a whole, compiled to a frozen snapshot, swapped as one."""
