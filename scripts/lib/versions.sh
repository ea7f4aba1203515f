# shellcheck shell=bash disable=SC2034
# The versions of what the scripts fetch, in this one place: plain NAME=VALUE lines, which tests read too.
ENVOY_VERSION=1.40.0
OPENAI_VERSION=3.54.0
OPENROUTER_VERSION=1.3.84
