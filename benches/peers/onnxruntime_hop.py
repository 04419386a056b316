#!/usr/bin/env python3
"""The speed of other engines on our own network: onnxruntime and torch, one thread each.

What it does. It rebuilds the network of a model's folder (model.toml and weights.safetensors) as an
ONNX graph and as a torch module, asks `affectd bench --network` what the program itself answers
about a window that both can make to the last bit, and refuses to go on where one of the three
differs from another by more than ERROR_MAX. Then it times both on a whole window, which is what
they have to do each hop, and prints them beside the program's own figures of the same run: the
network followed from hop to hop, and burn's forward pass over the whole window.

  python benches/peers/onnxruntime_hop.py --affectd target/release/affectd --model models/affectd-3

Needs numpy, onnx, onnxruntime and torch from PyPI. On a machine that others use too, the 99th
percentile is theirs: run it with `chrt --fifo 1` or when nothing else runs.
"""

import argparse
import json
import os
import struct
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

# Before numpy and torch read them; the last is for burn.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", RAYON_NUM_THREADS="1")

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

ERROR_MAX = 1e-4
RUNS = 1000
WARM_UP = 50
VARIANCE_MIN = 1e-5
NORM_EPSILON = 1e-5  # burn's default


def as_f32(affectd, model):
    """The weights that the program unpacks from f16 or int8."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "f32"
        command = [affectd, "model", "shrink", model, "--bits", "f32", "--out", whole]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return weights_of(whole / "weights.safetensors")


def weights_of(path):
    """All tensors of the safetensors file, by name: a length, a JSON header, the numbers."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[first:last], "<f4").reshape(entry["shape"])
    return tensors


def gates(matrix, order):
    """Ours are input, forget, output, candidate along the last axis."""
    parts = dict(zip("ifog", np.split(matrix, 4, axis=-1)))
    return np.concatenate([parts[name] for name in order], axis=-1)


def rows(card):
    """Values of a frame: the coefficients, and two of the pitch."""
    features = card["features"]
    return features["coefficients"] + (2 if features.get("pitch") else 0)


def adds_input(card, index):
    """Whether a convolution's input is added to what it makes of it."""
    widths = [rows(card), *card["network"]["channels"]]
    return card["network"].get("residual", False) and widths[index] == widths[index + 1]


class Onnx:
    """The graph, with the input `features`, `[1, rows, frames]`."""

    def __init__(self, card, weights):
        self.card, self.weights = card, weights
        self.nodes, self.constants = [], []

    def constant(self, name, values, kind=np.float32):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, kind), name))
        return name

    def add(self, kind, inputs, name, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, name, given):
        weight = self.constant(f"{name}.w", self.weights[f"{name}.weight"])
        bias = self.constant(f"{name}.b", self.weights[f"{name}.bias"])
        return self.add("Add", [self.add("MatMul", [given, weight], f"{name}.product"), bias], name)

    def stages(self):
        network, signal = self.card["network"], "features"
        for index in range(len(network["channels"])):
            stage, parts, given = f"stages.{index}", [], signal
            for part in ("convolution.weight", "convolution.bias", "norm.gamma", "norm.beta",
                         "norm.running_mean", "norm.running_var"):
                parts.append(self.constant(f"{stage}.{part}", self.weights[f"{stage}.{part}"]))
            same = network["kernel"] // 2
            signal = self.add("Conv", [signal, *parts[:2]], f"{stage}.c", pads=[same, same])
            signal = self.add("BatchNormalization", [signal, *parts[2:]], f"{stage}.n",
                              epsilon=NORM_EPSILON)
            signal = self.add("Relu", [signal], f"{stage}.r")
            if adds_input(self.card, index):
                signal = self.add("Add", [signal, given], f"{stage}.sum")
            if index < network.get("pooled", 2):
                signal = self.add("MaxPool", [signal], f"{stage}.p", kernel_shape=[2], strides=[2])
        return signal

    def recurrent(self, signal):
        """Steps first, as ONNX has it; out come `[1, steps, 2·hidden]`."""
        hidden, weights = self.card["network"]["lstm"], self.weights
        names = [f"recurrent.{way}_input" for way in ("forward", "backward")]
        kernel = np.stack([gates(weights[f"{name}.weight"], "iofg").T for name in names])
        state = np.stack([gates(part, "iofg").T for part in weights["recurrent.recurrent"]])
        bias = np.stack([gates(weights[f"{name}.bias"], "iofg") for name in names])
        bias = np.concatenate([bias, np.zeros_like(bias)], axis=1)
        inputs = [self.add("Transpose", [signal], "steps", perm=[2, 0, 1])]
        for name, values in (("kernel", kernel), ("state", state), ("bias", bias)):
            inputs.append(self.constant(f"lstm.{name}", values))
        states = self.add("LSTM", inputs, "states", direction="bidirectional", hidden_size=hidden)
        states = self.add("Transpose", [states], "states.t", perm=[2, 0, 1, 3])
        shape = self.constant("states.shape", [1, -1, 2 * hidden], np.int64)
        states = self.add("Reshape", [states, shape], "states.flat")
        if not self.card["network"].get("skip"):
            return states
        beside = self.add("Transpose", [signal], "steps.beside", perm=[0, 2, 1])
        return self.add("Concat", [states, beside], "states.and.steps", axis=2)

    def pooled(self, states):
        one = self.constant("axis.1", [1], np.int64)
        hidden = self.add("Tanh", [self.linear("attention_hidden", states)], "attention.tanh")
        shares = self.add("Softmax", [self.linear("attention", hidden)], "shares", axis=1)
        weighted = self.add("Mul", [states, shares], "weighted")
        mean = self.add("ReduceSum", [weighted, one], "mean", keepdims=1)
        away = self.add("Sub", [states, mean], "away")
        square = self.add("Mul", [self.add("Mul", [away, away], "square"), shares], "square.share")
        variance = self.add("ReduceSum", [square, one], "variance", keepdims=1)
        floor = self.constant("floor", [VARIANCE_MIN])
        deviation = self.add("Sqrt", [self.add("Max", [variance, floor], "above")], "deviation")
        both = self.add("Concat", [mean, deviation], "statistics", axis=2)
        return self.add("Squeeze", [both, one], "pooled")

    def build(self):
        pooled = self.pooled(self.recurrent(self.stages()))
        embedding = self.add("Relu", [self.linear("embedding", pooled)], "said.embedding")
        temperature = self.constant("temperature", [self.card["temperature"]])
        logits = self.add("Div", [self.linear("classes", embedding), temperature], "logits")
        outputs = [
            self.add("Softmax", [logits], "said.probabilities", axis=1),
            self.add("Sigmoid", [self.linear("dimensions", embedding)], "said.dimensions"),
            embedding,
        ]
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, self.card["name"],
            [value("features", TensorProto.FLOAT, [1, rows(self.card), "frames"])],
            [value(name, TensorProto.FLOAT, [1, None]) for name in outputs],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


class Torch(torch.nn.Module):
    def __init__(self, card, weights):
        super().__init__()
        network = card["network"]
        self.temperature, self.pooled_stages = card["temperature"], network.get("pooled", 2)
        self.skip = network.get("skip", False)
        self.adds_input = [adds_input(card, index) for index in range(len(network["channels"]))]
        self.convolutions, self.norms = torch.nn.ModuleList(), torch.nn.ModuleList()
        given = lambda name: torch.from_numpy(weights[name].copy())
        for index, width in enumerate(network["channels"]):
            stage = f"stages.{index}"
            kernel = given(f"{stage}.convolution.weight")
            convolution = torch.nn.Conv1d(kernel.shape[1], width, kernel.shape[2], padding="same")
            norm = torch.nn.BatchNorm1d(width, eps=NORM_EPSILON)
            convolution.load_state_dict(
                {"weight": kernel, "bias": given(f"{stage}.convolution.bias")})
            norm.load_state_dict({
                "weight": given(f"{stage}.norm.gamma"), "bias": given(f"{stage}.norm.beta"),
                "running_mean": given(f"{stage}.norm.running_mean"),
                "running_var": given(f"{stage}.norm.running_var"),
            }, strict=False)
            self.convolutions.append(convolution)
            self.norms.append(norm)
        self.lstm = torch.nn.LSTM(network["channels"][-1], network["lstm"], bidirectional=True)
        state = {}
        for index, (way, suffix) in enumerate((("forward", ""), ("backward", "_reverse"))):
            turned = lambda part: torch.from_numpy(gates(part, "ifgo").T.copy())
            name = f"recurrent.{way}_input"
            state[f"weight_ih_l0{suffix}"] = turned(weights[f"{name}.weight"])
            state[f"weight_hh_l0{suffix}"] = turned(weights["recurrent.recurrent"][index])
            state[f"bias_ih_l0{suffix}"] = turned(weights[f"{name}.bias"])
            state[f"bias_hh_l0{suffix}"] = torch.zeros(4 * network["lstm"])
        self.lstm.load_state_dict(state)
        for name in ("attention_hidden", "attention", "embedding", "classes", "dimensions"):
            weight = given(f"{name}.weight")
            linear = torch.nn.Linear(*weight.shape)
            linear.load_state_dict({"weight": weight.T, "bias": given(f"{name}.bias")})
            setattr(self, name, linear)
        self.eval()

    def forward(self, signal):
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            said = torch.relu(norm(convolution(signal)))
            signal = said + signal if self.adds_input[index] else said
            if index < self.pooled_stages:
                signal = torch.max_pool1d(signal, 2)
        states = self.lstm(signal.permute(2, 0, 1))[0].permute(1, 0, 2)
        if self.skip:
            states = torch.cat([states, signal.permute(0, 2, 1)], 2)
        shares = torch.softmax(self.attention(torch.tanh(self.attention_hidden(states))), 1)
        mean = (states * shares).sum(1, keepdim=True)
        variance = ((states - mean) ** 2 * shares).sum(1, keepdim=True)
        pooled = torch.cat([mean, variance.clamp_min(VARIANCE_MIN).sqrt()], 2).squeeze(1)
        embedding = torch.relu(self.embedding(pooled))
        probabilities = torch.softmax(self.classes(embedding) / self.temperature, 1)
        return probabilities, torch.sigmoid(self.dimensions(embedding)), embedding


def window(golden):
    """As src/bench/network.rs makes it: `[frames, coefficients]`, here turned round."""
    count = golden["frames"] * golden["coefficients"]
    numbers = (np.arange(count, dtype=np.int64) * 7919 % 1000).astype(np.float32)
    rows = numbers / np.float32(500) - np.float32(1)
    return np.ascontiguousarray(rows.reshape(golden["frames"], -1).T[None])


def check(who, said, golden):
    worst = 0.0
    for name, values in zip(("probabilities", "dimensions", "embedding"), said):
        expected = np.array(golden[name])
        scale = max(1.0, np.abs(expected).max())
        worst = max(worst, float(np.abs(values[0] - expected).max() / scale))
    if not worst <= ERROR_MAX:
        raise SystemExit(f"{who} answers otherwise than affectd: {worst}, allowed is {ERROR_MAX}")
    return worst


def percentiles(work):
    for _ in range(WARM_UP):
        work()
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        times.append(1e6 * (time.perf_counter() - begun))
    return np.percentile(times, 50), np.percentile(times, 99)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--affectd", type=Path, default="target/release/affectd")
    parser.add_argument("--model", type=Path, default="models/affectd-3")
    options = parser.parse_args()
    torch.set_num_threads(1)
    card = tomllib.loads((options.model / "model.toml").read_text())
    weights = as_f32(options.affectd, options.model)
    command = [options.affectd, "bench", "--network", "--backend", "cpu", "--model", options.model]
    own = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    features = window(own["golden"])

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    graph = Onnx(card, weights).build().SerializeToString()
    session = onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
    module, tensor = Torch(card, weights), torch.from_numpy(features)
    ask_onnx = lambda: session.run(None, {"features": features})
    with torch.inference_mode():
        ask_torch = lambda: module(tensor)
        errors = [
            check("onnxruntime", ask_onnx(), own["golden"]),
            check("torch", [part.numpy() for part in ask_torch()], own["golden"]),
        ]
        both = lambda name: (own[name]["median_us"], own[name]["p99_us"])
        rows = [
            ("affectd, a hop followed", *both("stream")),
            ("affectd, a whole hop, features and all", *both("hop")),
            ("burn, whole window", *both("window")),
            (f"onnxruntime {onnxruntime.__version__}, whole window", *percentiles(ask_onnx)),
            (f"torch {torch.__version__}, whole window", *percentiles(ask_torch)),
        ]
    frames = own["golden"]["frames"]
    print(f"{card['name']}, a window of {frames} frames, one thread; the same answers to within "
          f"{max(errors):.1e}")
    print("| engine | median | p99 | median, times the hop followed |\n|---|---|---|---|")
    for name, median, p99 in rows:
        print(f"| {name} | {median:.0f} µs | {p99:.0f} µs | {median / rows[0][1]:.2f} |")


if __name__ == "__main__":
    main()
