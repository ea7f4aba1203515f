"""The gateway as the `openai` package sees it: openai_client.py BASE_URL KEY

Every method of `Gateway` is one check. What a simulated provider does is scripted by the request's `simulate`.
"""

import json
import sys
import unittest

import openai
from pydantic import BaseModel

BASE_URL, KEY = sys.argv[1:3]
MINI = "openai/gpt-4o-mini"
SONNET = "anthropic/claude-sonnet-4"
MESSAGES = [{"role": "user", "content": "One two three"}]
SAID = "Hello from {}. You said: One two three"
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
CALLS = [
    {"id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": f'{{"a":{n}}}'}} for n in (1, 2)
]


class Person(BaseModel):
    name: str
    age: int


def client(key=KEY):
    return openai.OpenAI(base_url=BASE_URL, api_key=key, max_retries=0, timeout=20)


def everywhere(action):
    return {"simulate": {name: action for name in ("alpha", "beta", "gamma")}}


def says(finish_reason="stop", **message):
    return {"simulate": {"alpha": {"message": message, "finish_reason": finish_reason}}}


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
        # `tool_use` is what Anthropic calls it.
        script = says(content=None, tool_calls=CALLS, finish_reason="tool_use")
        answer = self.create(tools=TOOLS, tool_choice="auto", extra_body=script)
        [choice] = answer.choices
        self.assertEqual([call.model_dump(exclude_none=True) for call in choice.message.tool_calls], CALLS)
        self.assertEqual((choice.finish_reason, choice.model_extra["native_finish_reason"]), ("tool_calls", "tool_use"))
        # The calls and their results go back as they came.
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "{}"} for call in CALLS]
        answer = self.create(messages=[*MESSAGES, choice.message, *results], tools=TOOLS)
        self.assertEqual(answer.choices[0].message.content, SAID.format("alpha"))

    def test_streamed_tools(self):
        script = says(content=None, tool_calls=CALLS, finish_reason="tool_calls")
        with self.create(tools=TOOLS, stream=True, extra_body=script) as stream:
            deltas = [chunk.choices[0].delta for chunk in stream]
        [calls] = [delta.tool_calls for delta in deltas if delta.tool_calls]
        self.assertEqual([(call.index, call.id, call.function.name) for call in calls], [(0, "call_1", "f"), (1, "call_2", "f")])
        with self.client.chat.completions.stream(model=MINI, messages=MESSAGES, tools=TOOLS, extra_body=script) as stream:
            kinds = {event.type for event in stream}
            [choice] = stream.get_final_completion().choices
        self.assertIn("tool_calls.function.arguments.done", kinds)
        self.assertEqual([call.function.arguments for call in choice.message.tool_calls], ['{"a":1}', '{"a":2}'])
        self.assertEqual(choice.finish_reason, "tool_calls")

    def test_structured_output(self):
        schema = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": Person.model_json_schema()}}
        broken = 'Here it is:\n```json\n{"name": "Ann", "age": 30,}\n```'
        healing = {"plugins": [{"id": "response-healing"}], **says(content=broken)}
        answer = self.create(response_format=schema, extra_body=healing)
        self.assertEqual(json.loads(answer.choices[0].message.content), {"name": "Ann", "age": 30})
        # Without the plugin it is as the model said it.
        answer = self.create(response_format=schema, extra_body=says(content=broken))
        self.assertEqual(answer.choices[0].message.content, broken)

        parse = self.client.chat.completions.parse
        answer = parse(model=MINI, messages=MESSAGES, response_format=Person, extra_body=healing)
        self.assertEqual(answer.choices[0].message.parsed, Person(name="Ann", age=30))

    def test_image(self):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        content = [{"type": "text", "text": "One two three"}, image]
        answer = self.create(messages=[{"role": "user", "content": content}])
        self.assertEqual(answer.choices[0].message.content, SAID.format("alpha"))
        image["image_url"]["url"] = "data:image/tiff;base64,AAAA"
        with self.assertRaises(openai.BadRequestError) as raised:
            self.create(messages=[{"role": "user", "content": content}])
        field = raised.exception.body["metadata"]["field"]
        self.assertEqual(field, "messages[0].content[1].image_url.url")

    def test_reasoning(self):
        names = ("reasoning", "reasoning_content")
        script = says(reasoning_content="Because.", content="So.")
        script["simulate"]["id"] = "python-reasoning"
        asked = {"model": "test/reasoning", "reasoning_effort": "minimal", "extra_body": script}
        message = self.create(**asked).choices[0].message
        self.assertEqual([message.model_extra[name] for name in names], ["Because."] * 2)
        with self.create(**asked, stream=True) as stream:
            deltas = [chunk.choices[0].delta.model_extra for chunk in stream]
        for name in names:
            self.assertEqual("".join(delta.get(name) or "" for delta in deltas), "Because.")
        script["reasoning"] = {"exclude": True}
        message = self.create(**asked).choices[0].message
        self.assertEqual([message.model_extra.get(name) for name in names], [None] * 2)

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
