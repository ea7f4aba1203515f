# shellcheck shell=bash disable=SC2154
# What scripts/demo --dashboard has beside the demo: a key with limits, Prometheus, which serves the page too, and traffic.
# Sourced after common.sh; `start` and `gateway` are the demo's.

prometheus=127.0.0.1:9090
dashboard=http://$prometheus/user/dashboard.html
prometheus_log=$cache/log/prometheus.log
limited_key=sk-or-v1-limited

# with_limited_key CONFIG: adds the key to the configuration, behind the demo's, so that limits show.
with_limited_key() {
  local hash
  hash=$(printf '%s' "$limited_key" | sha256sum | cut -d ' ' -f 1)
  sed -i "s/^\( *\)- {name: demo, .*/&\n\1- {name: limited, hash: $hash, limit: \"5\", limit_reset: daily, requests_per_minute: 60}/" "$1"
  grep -q "name: limited" "$1" || die "$1 has no key 'demo' behind which the limited one could stand"
}

start_prometheus() {
  local data=$cache/demo-prometheus
  # Of an earlier demo: there would be a gap.
  rm -rf "$data"
  start "$cache/prometheus/prometheus" --config.file=envoy/dashboards/prometheus.yaml --storage.tsdb.path="$data" \
    --web.listen-address="$prometheus" --web.user-assets=envoy/dashboards --log.level=warn >"$prometheus_log" 2>&1
}

dashboard_is_ready() {
  curl -s -f -m 2 -o /dev/null "http://$prometheus/-/ready" && curl -s -f -m 2 -o /dev/null "$dashboard"
}

start_traffic() {
  start python3 scripts/lib/traffic.py "${gateway#*:}" sk-or-v1-demo "$limited_key"
}

# In a browser, where there is one to be seen.
open_dashboard() {
  if [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] && have xdg-open; then
    xdg-open "$dashboard" >/dev/null 2>&1 || true
  fi
}
