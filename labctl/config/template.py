"""The commented station file that ``labctl init`` writes."""

from __future__ import annotations

STATION_TEXT = """\
# What stands on this bench. Every verb of labctl reads this file.
# Check it with:  labctl doctor
labctl: station/1
name: my bench

# Where runs and the cell registry are kept: a local disk, never a network or cloud-synced folder.
data: ./labctl-data

instruments:
  # A Neware BTS 8.0 installation: BTS Client in API mode on its PC, TCP port 502.
  - name: neware
    driver: neware-bts
    resource: tcp://127.0.0.1:502
    # The time zone of the BTS PC's clock; times in its records are local and carry none.
    timezone: UTC
    options:
      devid: 33                     # number of the middle machine, usually the last byte of its address
      step_folder: ./steps          # where labctl puts step files, as this computer sees it ...
      # step_folder_on_bts: 'Z:\\steps'   # ... and as the BTS PC sees the same folder, where that differs
      poll_s: 10                    # at least 5; the device guards its own limits in between
      units: {"1": 5V10mA, "2": 5V100mA-4R}   # model of each tester unit

chambers: []
  # - name: oven-60
  #   driver: modbus-chamber
  #   resource: tcp://192.168.1.20:502          # or serial:///dev/ttyUSB0?baud=19200
  #   options: {poll_s: 10}
  #   channels: ["neware:1-5", "neware:1-6"]    # the channels whose cells stand in it

# Potentiostats that cells come to for a spectrum ('- eis:' in a protocol). See docs/eis.md.
# potentiostats:
#   - name: pstat
#     driver: methodscript
#     resource: serial:///dev/ttyUSB1
#     channels: ["neware:1-1", "neware:1-2"]    # whose cells can come to it; without this line: all
#     ocv_tolerance: 20 mV                      # a moved cell must show its voltage again, to this ...
#     ocv_tolerance_fraction: 2 %               # ... or to this part of it, whichever is more

# Multiplexers that move cells between cycler and potentiostat by themselves; without one a person is asked.
# switches:
#   - name: mux
#     driver: multiplexer
#     resource: serial:///dev/ttyUSB2
#     potentiostat: pstat
#     places: {"neware:1-1": 1, "neware:1-2": 2}    # on which of its places the cell of each channel hangs

# Channel limits, the tightest of all layers wins. 'warn' only tells, the others stop the channel.
limits: {}
  # "neware:1-1":
  #   voltage: [-5 V, 5 V]
  #   current: 10 mA
  #   warn: {voltage: [-2 V, 2 V]}

# What cells of a kind may see, and what they show at rest: symmetric, lto_li, lfp_li, other. See docs/alarms.md.
# classes:
#   lfp_li: {voltage: [2 V, 4.2 V], rate: 2C, rest: [2 V, 4.2 V]}

# Who is told of alarms: the first person at once, the next when nobody has acknowledged after 15 minutes.
# notify:
#   timezone: Europe/Zurich
#   quiet_hours: 22:00-07:00          # CRITICAL is never held back
#   people:
#     - name: Ann
#       paths: ["env:LABCTL_NOTIFY_ANN"]   # a variable that holds an Apprise address such as ntfys://...

# Where 'labctl serve' listens. Without this part: only this computer reaches it. Other computers reach it over TLS.
# api:
#   listen: 0.0.0.0:7421
#   hosts: [bench-pc.lab.example]     # the names under which they call this computer; no other is answered
"""
