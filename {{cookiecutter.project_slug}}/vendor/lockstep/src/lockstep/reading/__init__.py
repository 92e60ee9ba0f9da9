"""Raw files in any dress, held against the contract."""
