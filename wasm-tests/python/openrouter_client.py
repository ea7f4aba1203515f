"""The gateway as the `openrouter` package sees it: openrouter_client.py BASE_URL KEY

Every method of `Gateway` is one check. The package sends fields that it knows only, so what a simulated provider does is
put into the request on its way out.
"""

import json
import sys
import unittest

import httpx
from openrouter import OpenRouter, errors

BASE_URL, KEY = sys.argv[1:3]
MINI = "openai/gpt-4o-mini"
SONNET = "anthropic/claude-sonnet-4"
MESSAGES = [{"role": "user", "content": "One two three"}]
SAID = "Hello from {}. You said: One two three"


class Scripted(httpx.HTTPTransport):
    """Adds `simulate` to every request."""

    def __init__(self, action):
        super().__init__()
        self.action = action

    def handle_request(self, request):
        body = json.loads(request.read())
        body["simulate"] = {name: self.action for name in ("alpha", "beta", "gamma")}
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        return super().handle_request(httpx.Request(request.method, request.url, headers=headers, json=body))


def client(key=KEY, action=None):
    transport = {"client": httpx.Client(transport=Scripted(action))} if action else {}
    return OpenRouter(api_key=key, server_url=BASE_URL, timeout_ms=20_000, **transport)


class Gateway(unittest.TestCase):
    def send(self, key=KEY, action=None, **more):
        with client(key, action) as router:
            answer = router.chat.send(**{"model": MINI, "messages": MESSAGES, **more})
            return list(answer) if more.get("stream") else answer

    def test_completion(self):
        answer = self.send(temperature=0.5, x_open_router_title="A test")
        self.assertEqual(answer.choices[0].message.content, SAID.format("alpha"))
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.model, MINI)
        self.assertTrue(answer.id.startswith("gen-"))
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (3, 8))

    def test_stream(self):
        chunks = self.send(stream=True, stream_options={"include_usage": True})
        texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
        self.assertEqual("".join(texts), SAID.format("alpha"))
        self.assertEqual({chunk.model for chunk in chunks}, {MINI})
        self.assertEqual(chunks[-1].usage.completion_tokens, 8)

    def test_models_in_order(self):
        answer = self.send(model=SONNET, models=[MINI])
        self.assertEqual(answer.model, SONNET)

    def test_router_fields_are_taken(self):
        answer = self.send(
            model=f"{MINI}:floor",
            provider={"allow_fallbacks": True, "data_collection": "deny"},
            plugins=[{"id": "response-healing"}],
            reasoning={"effort": "low"},
        )
        self.assertEqual(answer.model, MINI)

    def test_tools(self):
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
        tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
        action = {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_use"}
        answer = self.send(action=action, tools=[tool], tool_choice="auto")
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.assertEqual(answer.choices[0].message.tool_calls[0].function.arguments, '{"city":"Paris"}')

    def test_structured_output_is_healed(self):
        schema = {"name": "person", "schema_": {"type": "object"}}
        answer = self.send(
            action={"content": "Here it is: {name: 'Eve', age: 40,}"},
            response_format={"type": "json_schema", "json_schema": schema},
            plugins=[{"id": "response-healing"}],
        )
        self.assertEqual(json.loads(answer.choices[0].message.content), {"name": "Eve", "age": 40})

    def test_image(self):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        content = [{"type": "text", "text": "One two three"}, image]
        answer = self.send(messages=[{"role": "user", "content": content}])
        self.assertEqual(answer.choices[0].message.content, SAID.format("alpha"))

    def test_models_list(self):
        with client() as router:
            models = router.models.list()
        listed = {model.id: model for model in models.result.data}
        self.assertIn(MINI, listed)
        self.assertEqual(listed[MINI].pricing.prompt, "0.00000015")
        self.assertEqual(models.result.total_count, len(models.result.data))

    def test_models_list_is_filtered_and_paged(self):
        with client() as router:
            tools = router.models.list(supported_parameters="tools,structured_outputs")
            self.assertEqual([model.id for model in tools.result.data], [MINI])
            self.assertIsNone(tools.next())
            self.assertEqual(router.models.list(category="programming").result.total_count, 0)
            everything = [model.id for model in router.models.list().result.data]
            pages, page = [], router.models.list(limit=4)
            while page is not None:
                pages += [model.id for model in page.result.data]
                page = page.next()
        self.assertEqual(pages, everything)

    def test_models_count(self):
        with client() as router:
            count = router.models.count().data.count
            self.assertEqual(count, len(router.models.list().result.data))

    def test_endpoints_list(self):
        with client() as router:
            router.chat.send(model=MINI, messages=MESSAGES)
            model = router.endpoints.list(author="openai", slug="gpt-4o-mini").data
            with self.assertRaises(errors.NotFoundResponseError):
                router.endpoints.list(author="openai", slug="nothing")
        self.assertEqual((model.id, model.architecture.modality), (MINI, "text+image->text"))
        endpoints = {endpoint.tag: endpoint for endpoint in model.endpoints}
        self.assertEqual(list(endpoints), ["alpha", "beta", "gamma"])
        alpha = endpoints["alpha"]
        self.assertEqual((alpha.name, alpha.provider_name), (f"Alpha | {MINI}", "Alpha"))
        self.assertEqual((alpha.pricing.completion, alpha.max_completion_tokens), ("0.0000006", 16384))
        # Other tests let the same providers fail.
        self.assertIn(alpha.status, (0, -1, -2))
        self.assertTrue(any(endpoint.uptime_last_30m for endpoint in model.endpoints))

    def test_providers_list(self):
        with client() as router:
            providers = router.providers.list().data
        self.assertIn(("alpha", "Alpha"), [(provider.slug, provider.name) for provider in providers])

    def test_errors_have_their_types(self):
        with self.assertRaises(errors.UnauthorizedResponseError):
            self.send(key="sk-or-v1-wrong")
        with self.assertRaises(errors.NotFoundResponseError):
            self.send(model="nobody/nothing")
        with self.assertRaises(errors.BadRequestResponseError):
            self.send(model="@preset/none")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
