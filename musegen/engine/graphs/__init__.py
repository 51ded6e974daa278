"""Step graphs: a trained network as ONNX, node by node, for `engine.onnx_engine` to run. Needs onnx, where it trains.

`build` is the door. Two graphs make a player: the *step* (a row is embedded and taken in by the family's past) and the
*head* (the situation and the five small networks, one of them a call). Knows the weights and neither torch nor music.
"""
