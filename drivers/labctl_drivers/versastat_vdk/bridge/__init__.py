"""``labctl-vdk-bridge``: the vendor's kit on a Windows computer, offered by XML-RPC, with a token and a dead-man."""
