"""Functions of tensors, composed of operations: one file per family."""
