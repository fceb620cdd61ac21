"""How the window looks: one table of colours, fonts that are shipped, flat lines; nothing here knows a station."""
