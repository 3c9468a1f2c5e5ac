"""Hot narinfos: copies of what nginx has stored, for it to serve as plain files."""
