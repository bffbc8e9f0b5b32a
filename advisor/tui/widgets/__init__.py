"""What screens are made of: plain data in, one `update(data)`, past-tense messages out; no files, no orchestrator."""
