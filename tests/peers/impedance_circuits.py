"""Evaluate and fit circuits with impedance.py; runs in an environment of its own: JSON in, JSON out."""

import json
import sys
import warnings

import numpy as np
from impedance.models.circuits import CustomCircuit

warnings.simplefilter("ignore")
with open(sys.argv[1], encoding="utf-8") as file:
    work = json.load(file)
f = np.array(work["frequency_Hz"])
told = {"impedances": [], "fits": []}
for text, values in work["circuits"]:
    z = CustomCircuit(text, initial_guess=values).predict(f, use_initial=True)
    told["impedances"].append([z.real.tolist(), z.imag.tolist()])
for text, start, real, imaginary in work["spectra"]:
    circuit = CustomCircuit(text, initial_guess=start)
    circuit.fit(f, np.array(real) + 1j * np.array(imaginary), weight_by_modulus=True)
    told["fits"].append(list(circuit.parameters_))
print(json.dumps(told))
