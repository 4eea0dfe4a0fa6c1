"""Lets onnx.checker look at every ONNX file of a folder. Usage: onnx_checker.py <folder>"""
import glob
import json
import os
import sys

import onnx

for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.onnx"))):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    assert (model.ir_version, opsets[""]) == (8, 17), (path, model.ir_version, opsets)
print(json.dumps({}))
