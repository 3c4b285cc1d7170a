"""How figures look and become files, and the plots that several sections share."""
