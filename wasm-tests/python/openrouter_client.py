"""The gateway as the `openrouter` package sees it: openrouter_client.py BASE_URL KEY

Every method of `Gateway` is one check. The package sends known fields only, so nothing is scripted here: the simulated
providers answer as they are.
"""

import sys
import unittest

from openrouter import OpenRouter, errors

BASE_URL, KEY = sys.argv[1:3]
MINI = "openai/gpt-4o-mini"
SONNET = "anthropic/claude-sonnet-4"
MESSAGES = [{"role": "user", "content": "One two three"}]
SAID = "Hello from {}. You said: One two three"


def client(key=KEY):
    return OpenRouter(api_key=key, server_url=BASE_URL, timeout_ms=20_000)


class Gateway(unittest.TestCase):
    def send(self, key=KEY, **more):
        with client(key) as router:
            answer = router.chat.send(messages=MESSAGES, **{"model": MINI, **more})
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

    def test_models_list(self):
        with client() as router:
            models = router.models.list()
        listed = {model.id: model for model in models.result.data}
        self.assertIn(MINI, listed)
        self.assertEqual(listed[MINI].pricing.prompt, "0.00000015")

    def test_errors_have_their_types(self):
        with self.assertRaises(errors.UnauthorizedResponseError):
            self.send(key="sk-or-v1-wrong")
        with self.assertRaises(errors.NotFoundResponseError):
            self.send(model="nobody/nothing")
        with self.assertRaises(errors.BadRequestResponseError):
            self.send(model="@preset/none")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
