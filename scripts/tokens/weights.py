"""Fits the weights of `filters/tokens/src/weights.rs` and prints that file.

Arguments: a corpus, which is a JSON array of {"kind", "text"}, and its counts as `scripts/token-counts` gives them.
The weights are least squares of the relative error, none negative, drawn lightly towards 0.8 so that a feature that
the corpus lacks counts something; estimates below the truth weigh more than those above it.
"""

import json
import subprocess
import sys

import numpy
from scipy.optimize import nnls

FAMILIES = ["gpt", "cl100k", "claude", "llama", "gemini", "mistral", "qwen", "deepseek", "other"]
# What `other` must not fall below: the tokenizers of today's models.
MODERN = ["gpt", "llama", "gemini", "mistral", "qwen", "deepseek"]
IMPORTANCE = {"english": 3, "chinese": 2.5, "json": 2.5, "code": 2, "lang": 1, "base64": 2, "upper": 1.5, "traditional": 1.5, "numbers": 1.5}

corpus = json.load(open(sys.argv[1]))
counts = json.load(open(sys.argv[2]))
counts["other"] = list(numpy.max([counts[family] for family in MODERN], axis=0))
texts = json.dumps([sample["text"] for sample in corpus])
features = subprocess.run(
    ["cargo", "run", "--release", "-q", "-p", "meshrouter-core", "--example", "token-features"],
    input=texts, capture_output=True, text=True, check=True,
)
features = numpy.array(json.loads(features.stdout), float)
kinds = numpy.array([sample["kind"].split("-")[0] for sample in corpus])
importance = numpy.array([IMPORTANCE.get(kind, 0.7) for kind in kinds])


def fit(family):
    truth = numpy.array(counts[family], float)
    rows = features / truth[:, None] * importance[:, None]
    size = features.shape[1]
    emphasis = numpy.ones(len(truth))
    for _ in range(15):
        left = numpy.vstack([rows * emphasis[:, None], 0.02 * numpy.eye(size)])
        right = numpy.concatenate([importance * emphasis, 0.02 * 0.8 * numpy.ones(size)])
        weights, _ = nnls(left, right)
        error = features @ weights / truth - 1
        emphasis = numpy.where(error < -0.03, 1.6, 1.0) * numpy.where(abs(error) > 0.08, 1.7, 1.0)
    for kind in sorted(set(kinds)):
        of_kind = abs(error[kinds == kind])
        line = f"{family:9} {kind:9} mean {of_kind.mean():6.1%}  9 of 10 within {numpy.quantile(of_kind, 0.9):6.1%}"
        print(line, file=sys.stderr)
    return [round(weight * 1024) for weight in weights]


columns = [fit(family) for family in FAMILIES]
print("//! Made by `scripts/tokens/weights.py`; not to be edited.\n")
print("use super::family::FAMILIES;\nuse super::feature::FEATURES;\n")
print("/// What each feature weighs to each family, in 1/1024 of a token.")
print("#[rustfmt::skip]\npub(super) const WEIGHTS: [[u16; FAMILIES]; FEATURES] = [")
for row in zip(*columns):
    print("    [" + ", ".join(f"{weight:4}" for weight in row) + "],")
print("];")
