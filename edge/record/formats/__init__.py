"""One module for each format that others read; `edge.record.export` chooses among them."""
