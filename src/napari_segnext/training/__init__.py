"""Training of segnext-lite (needs the extra ``[train]``)."""
