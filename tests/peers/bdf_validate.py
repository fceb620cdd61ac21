"""Print the validator's verdict on each file as JSON. Runs in the peer's environment: bdf_validate.py FILE..."""

import json
import sys

import bdf

print(json.dumps([bdf.validate(path) for path in sys.argv[1:]]))
