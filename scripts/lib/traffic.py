"""Traffic for the gateway of scripts/demo, so that its dashboard has something to show; until it is killed.

    traffic.py PORT KEY LIMITED_KEY

Of all kinds: plain completions, streams, some that their caller leaves, fallbacks, requests that are refused by the
gateway, by a provider, and by the limit of LIMITED_KEY. What the simulated providers do, the field `simulate` tells each
of them. Every two minutes alpha has an outage, and its endpoints cool down.
"""

import http.client
import json
import random
import sys
import threading
import time

PORT, KEY, LIMITED_KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
CALLERS = 8
MINI, SONNET, LLAMA = "openai/gpt-4o-mini", "anthropic/claude-sonnet-4", "meta-llama/llama-3.3-70b-instruct"
# Who is how slow: milliseconds to the first token, and between tokens.
SPEED = {"alpha": (120, 14), "beta": (260, 22), "gamma": (70, 8)}
# Seconds: how often alpha has an outage, when its first begins, how long each lasts.
OUTAGE_EVERY, OUTAGE_FROM, OUTAGE_LASTS = 120, 4, 15
WORDS = "The gateway asks one provider after the other until one of them answers, and says who it was.".split()
STARTED = time.monotonic()


def has_outage():
    since = time.monotonic() - STARTED - OUTAGE_FROM
    return since >= 0 and since % OUTAGE_EVERY < OUTAGE_LASTS


def usage():
    prompt, completion = int(random.lognormvariate(6.5, 0.9)), int(random.lognormvariate(4.5, 0.7))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": random.choice([0, 0, prompt // 2])},
        "completion_tokens_details": {"reasoning_tokens": random.choice([0, 0, completion // 3])},
    }


def behaviour(provider):
    """What a provider does with a request: mostly it answers."""
    if provider == "alpha" and has_outage():
        return {"status": 503}
    if random.random() < 0.015:
        return random.choice([{"status": 500}, {"status": 429}, {"status": 429, "headers": {"retry-after-ms": "800"}}])
    first, between = SPEED[provider]
    words = " ".join(random.choices(WORDS, k=random.randint(10, 60)))
    tempo = random.lognormvariate(0, 0.35)
    return {"content": words, "usage": usage(), "delay_ms": int(first * tempo), "chunk_delay_ms": int(between * tempo)}


def completion():
    """A request, and the key that it comes with."""
    body = {
        "model": random.choices([MINI, SONNET, LLAMA, "meshrouter/auto"], [6, 2, 4, 1])[0],
        "messages": [{"role": "user", "content": f"Say something, please ({random.random()})."}],
        "stream": random.random() < 0.6,
        "simulate": {provider: behaviour(provider) for provider in SPEED},
    }
    if random.random() < 0.5:
        body["provider"] = {"sort": "price"}
    key = random.choices([KEY, LIMITED_KEY], [5, 1])[0]
    kind = random.random()
    if kind < 0.01:
        key = "sk-or-v1-nobody"
    elif kind < 0.03:
        body["model"] = "openai/gpt-0"
    elif kind < 0.05:
        body["simulate"] = {provider: {"status": 400} for provider in SPEED}
    elif kind < 0.055:
        body["simulate"] = {provider: {"status": 500} for provider in SPEED}
    return body, key


def ask():
    body, key = completion()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    gateway = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    try:
        gateway.request("POST", "/api/v1/chat/completions", json.dumps(body), headers)
        answer = gateway.getresponse()
        if random.random() < 0.02:
            answer.read(1)
        else:
            answer.read()
    except (OSError, http.client.HTTPException):
        # The gateway is gone, or will be soon; whoever started this decides.
        time.sleep(1)
    finally:
        gateway.close()


def call():
    while True:
        ask()
        time.sleep(random.expovariate(2))


callers = [threading.Thread(target=call, daemon=True) for _ in range(CALLERS)]
for caller in callers:
    caller.start()
for caller in callers:
    caller.join()
