"""The temperature chamber on the wire: Modbus/TCP and Modbus RTU."""
