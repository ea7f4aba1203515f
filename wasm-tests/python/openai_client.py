"""The gateway as the `openai` package sees it: openai_client.py BASE_URL KEY

Every method of `Gateway` is one check. What a simulated provider does is scripted by the request's `simulate`.
"""

import sys
import unittest

import openai

BASE_URL, KEY = sys.argv[1:3]
MINI = "openai/gpt-4o-mini"
SONNET = "anthropic/claude-sonnet-4"
MESSAGES = [{"role": "user", "content": "One two three"}]
SAID = "Hello from {}. You said: One two three"


def client(key=KEY):
    return openai.OpenAI(base_url=BASE_URL, api_key=key, max_retries=0, timeout=20)


def everywhere(action):
    return {"simulate": {name: action for name in ("alpha", "beta", "gamma")}}


class Gateway(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.addCleanup(self.client.close)

    def create(self, **more):
        return self.client.chat.completions.create(**{"model": MINI, "messages": MESSAGES, **more})

    def test_completion(self):
        answer = self.create(temperature=0.5, max_tokens=100)
        self.assertEqual(answer.choices[0].message.content, SAID.format("alpha"))
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertTrue(answer.id.startswith("gen-"))
        self.assertEqual((answer.model, answer.model_extra["provider"]), (MINI, "Alpha"))
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (3, 8))
        self.assertEqual(answer.usage.model_extra["cost"], 0.00000525)

    def test_stream(self):
        with self.create(stream=True) as stream:
            chunks = list(stream)
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual(said, SAID.format("alpha"))
        self.assertTrue(all(chunk.usage is None for chunk in chunks))
        self.assertEqual({chunk.model for chunk in chunks}, {MINI})
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")

    def test_stream_with_usage(self):
        with self.create(stream=True, stream_options={"include_usage": True}) as stream:
            *chunks, last = list(stream)
        self.assertTrue(all(chunk.usage is None for chunk in chunks))
        self.assertEqual((last.choices, last.usage.total_tokens), ([], 11))
        self.assertEqual(last.usage.model_extra["cost"], 0.00000525)

    def test_left_stream(self):
        script = {"simulate": {"alpha": {"hold_ms_after_first": 20_000}}}
        stream = self.create(stream=True, extra_body=script)
        next(iter(stream))
        stream.close()
        self.assertEqual(self.create().model, MINI)

    def test_tools(self):
        call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
        script = {"simulate": {"alpha": {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}}}
        tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        answer = self.create(tools=tools, extra_body=script)
        self.assertEqual(answer.choices[0].message.tool_calls[0].function.arguments, '{"a":1}')
        with self.create(tools=tools, stream=True, extra_body=script) as stream:
            deltas = [chunk.choices[0].delta for chunk in stream]
        self.assertEqual([delta.tool_calls[0].id for delta in deltas if delta.tool_calls], ["call_1"])

    def test_fallback(self):
        script = {"models": [SONNET], "simulate": {
            "id": "python-fallback", "alpha": {"status": 503}, "gamma": {"status": 429}, "beta": [{"reset": "before_headers"}, {}],
        }}
        answer = self.create(extra_body=script)
        self.assertEqual((answer.model, answer.model_extra["provider"]), (SONNET, "Beta"))
        script["simulate"]["id"] += "-stream"
        with self.create(stream=True, extra_body=script) as stream:
            self.assertEqual({chunk.model for chunk in stream}, {SONNET})

    def test_models(self):
        models = {model.id: model for model in self.client.models.list()}
        self.assertTrue({MINI, SONNET} <= set(models))
        self.assertEqual(models[MINI].model_extra["context_length"], 128000)

    def test_errors(self):
        cases = [
            (openai.AuthenticationError, 401, {"key": "sk-or-v1-wrong"}, None),
            (openai.NotFoundError, 404, {"model": "no/such-model"}, "no/such-model"),
            (openai.BadRequestError, 400, {"messages": []}, "messages"),
            (openai.BadRequestError, 400, {"extra_body": everywhere({"status": 400})}, "alpha was told to answer 400"),
            (openai.RateLimitError, 429, {"extra_body": everywhere({"status": 429})}, "gamma was told to answer 429"),
            (openai.InternalServerError, 503, {"extra_body": everywhere({"status": 503})}, "gamma was told to answer 503"),
            (openai.InternalServerError, 529, {"extra_body": everywhere({"status": 529})}, "gamma was told to answer 529"),
        ]
        for kind, status, wrong, message in cases:
            for stream in (False, True):
                with self.subTest(kind=kind, wrong=wrong, stream=stream):
                    request = {"model": MINI, "messages": MESSAGES, "stream": stream, **wrong}
                    asking = client(request.pop("key", KEY))
                    self.addCleanup(asking.close)
                    with self.assertRaises(kind) as raised:
                        asking.chat.completions.create(**request)
                    error = raised.exception
                    self.assertEqual(error.status_code, status)
                    self.assertEqual(error.body["code"], status)
                    self.assertIn(message or "key", error.message)

    def test_error_in_a_stream(self):
        script = {"simulate": {"alpha": {"error_event": {"at": 3, "error": {"code": 502, "message": "broke off"}}}}}
        said = ""
        with self.assertRaises(openai.APIError) as raised:
            for chunk in self.create(stream=True, extra_body=script):
                said += chunk.choices[0].delta.content or ""
        self.assertEqual((said, raised.exception.message), ("Hello from ", "broke off"))

    def test_cut_stream(self):
        script = {"simulate": {"alpha": {"reset": {"after_events": 3}, "chunk_delay_ms": 100}}}
        with self.assertRaises(Exception):
            list(self.create(stream=True, extra_body=script))

    def test_raw_response(self):
        raw = self.client.chat.completions.with_raw_response.create(model=MINI, messages=MESSAGES)
        self.assertEqual((raw.status_code, raw.headers["content-type"]), (200, "application/json"))
        self.assertFalse([name for name in raw.headers if name.startswith(("x-meshrouter", "x-envoy"))])
        self.assertEqual(raw.parse().model, MINI)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
