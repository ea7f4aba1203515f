"""The key API as the `openrouter` package and the documented `requests` examples see it: openrouter_keys.py BASE_URL
PROVISIONING_KEY KEY

The package checks every answer against its models.
"""

import hashlib
import sys
import unittest
from datetime import datetime, timezone

import httpx
from openrouter import OpenRouter, errors

BASE_URL, PROVISIONING_KEY, KEY = sys.argv[1:4]
MESSAGES = [{"role": "user", "content": "One two three"}]


def client(key=PROVISIONING_KEY):
    return OpenRouter(api_key=key, server_url=BASE_URL, timeout_ms=20_000)


class Keys(unittest.TestCase):
    def test_a_key_from_its_making_to_its_end(self):
        with client() as router:
            expires_at = datetime(2099, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
            made = router.api_keys.create(name="Customer", limit=12.5, limit_reset="daily", expires_at=expires_at)
            self.assertTrue(made.key.startswith("sk-or-v1-"))
            self.assertEqual(made.data.hash, hashlib.sha256(made.key.encode()).hexdigest())
            self.assertEqual((made.data.limit, made.data.limit_remaining, made.data.usage), (12.5, 12.5, 0))
            self.assertEqual((made.data.limit_reset, made.data.expires_at), ("daily", expires_at))
            with client(made.key) as customer:
                answer = customer.chat.send(model="openai/gpt-4o-mini", messages=MESSAGES)
                self.assertTrue(answer.choices[0].message.content)
                own = customer.api_keys.get_current_key_metadata().data
                self.assertEqual((own.label, own.limit), (made.data.label, 12.5))
                self.assertEqual(own.effective_budget.limit_usd, 12.5)
            self.assertEqual(router.api_keys.get(hash=made.data.hash).data.name, "Customer")
            self.assertIn(made.data.hash, [key.hash for key in router.api_keys.list().data])
            changed = router.api_keys.update(hash=made.data.hash, name="Other", disabled=True, limit=None).data
            self.assertEqual((changed.name, changed.disabled, changed.limit), ("Other", True, None))
            self.assertNotIn(made.data.hash, [key.hash for key in router.api_keys.list().data])
            listed = router.api_keys.list(include_disabled=True, offset=0).data
            self.assertIn(made.data.hash, [key.hash for key in listed])
            with client(made.key) as customer, self.assertRaises(errors.UnauthorizedResponseError):
                customer.chat.send(model="openai/gpt-4o-mini", messages=MESSAGES)
            self.assertTrue(router.api_keys.delete(hash=made.data.hash).DELETED)
            with self.assertRaises(errors.NotFoundResponseError):
                router.api_keys.get(hash=made.data.hash)

    def test_the_key_of_the_document(self):
        with client(KEY) as router:
            own = router.api_keys.get_current_key_metadata().data
            self.assertEqual((own.label, own.limit), ("sk-or-v1-abc...123", 2.5))
            self.assertFalse(own.is_management_key)
            with self.assertRaises(errors.ForbiddenResponseError):
                router.api_keys.create(name="Mine")
        with client("sk-or-v1-wrong") as router, self.assertRaises(errors.UnauthorizedResponseError):
            router.api_keys.list()

    def test_as_documented_for_requests(self):
        headers = {"Authorization": f"Bearer {PROVISIONING_KEY}", "Content-Type": "application/json"}
        keys = f"{BASE_URL}/keys"
        made = httpx.post(f"{keys}/", headers=headers, json={"name": "Customer Instance Key", "limit": 1000})
        self.assertEqual(made.status_code, 201)
        key = f"{keys}/{made.json()['data']['hash']}"
        self.assertEqual(httpx.get(key, headers=headers).json()["data"]["limit"], 1000)
        changes = {"name": "Updated Key Name", "disabled": True, "include_byok_in_limit": False, "limit_reset": "daily"}
        changed = httpx.patch(key, headers=headers, json=changes).json()["data"]
        self.assertEqual({name: changed[name] for name in changes}, changes)
        self.assertEqual(httpx.get(f"{keys}?offset=100", headers=headers).json(), {"data": []})
        self.assertEqual(httpx.delete(key, headers=headers).json(), {"deleted": True})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
