"""Networks run by a compiled kernel instead of onnxruntime, where the wheel brought one that this machine can run."""
