"""The steps of the way: one file a stage; the order stands in `ORDER`, in one list."""
