// Counts texts with the vocabularies that npm packages ship: a JSON array of strings in, counts by tokenizer out.
import { readFileSync } from "node:fs";
import { encode as o200k } from "gpt-tokenizer/encoding/o200k_base";
import { encode as cl100k } from "gpt-tokenizer/encoding/cl100k_base";
import llama3 from "llama3-tokenizer-js";

const texts = JSON.parse(readFileSync(process.argv[2]));
const plain = { disallowedSpecial: new Set() };
const count = (encode) => texts.map((text) => encode(text).length);
process.stdout.write(
  JSON.stringify({
    gpt: count((text) => o200k(text, plain)),
    cl100k: count((text) => cl100k(text, plain)),
    llama: count((text) => llama3.encode(text, { bos: false, eos: false })),
  }),
);
