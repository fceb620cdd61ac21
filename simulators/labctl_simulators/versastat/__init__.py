"""A VersaSTAT or PARSTAT behind the bridge that presents the VDK by XML-RPC over HTTP; its own codec."""
