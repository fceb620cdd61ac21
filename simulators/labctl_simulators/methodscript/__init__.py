"""A MethodSCRIPT potentiostat (EmStat Pico, EmStat4, Nexus) that speaks the published bytes; its own codec."""
