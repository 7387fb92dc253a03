"""What the venue is: products, members, FIX dialect and rules, as files and their typed loaders."""
