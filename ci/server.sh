#!/usr/bin/env bash
# Proves: examples/server, loaded on loopback with more than it can take, answers every request;
# tells exactly as many clients to come back later as its counters say; does not grow; and when told
# to stop under that load, answers what it has accepted, and ends. And it says what is wrong with
# requests that are.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/apt-install curl file wrk
cargo build --release --features std --example server
out=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$out"' EXIT
"${CARGO_TARGET_DIR:-target}/release/examples/server" --listen 127.0.0.1:0 >"$out/log" &
server=$!
until grep -q '^listening' "$out/log"; do sleep 0.05; done
port=$(sed -n 's/^listening on .*://p' "$out/log")
url=http://127.0.0.1:$port

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
# The status of the last answer to these bytes, sent at once. The server closes the connection.
status() {
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%b' "$1" >&3
    timeout 5 sed -n 's/^HTTP.1.1 \([0-9]*\) .*/\1/p' <&3 | tr '\n' ' '
    exec 3>&-
}
expect() {
    local got
    got=$(status "$2")
    [ "$got" = "$1 " ] || fail "$(head -c 60 <<<"$2"): $got, not $1"
}
# A number from the metrics in a file.
metric() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }

echo "-- one at a time"
close='Host: x\r\nConnection: close\r\n'
expect 200 "GET /metrics HTTP/1.1\r\n$close\r\n"
expect 200 "GET /metrics HTTP/1.0\r\n\r\n"
expect 200 "POST /sha256 HTTP/1.1\r\n${close}Content-Length: 3\r\n\r\nabc"
expect 400 "nonsense\r\n\r\n"
expect 400 "POST /sha256 HTTP/1.1\r\n${close}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"
expect 400 "POST /sha256 HTTP/1.1\r\n${close}Content-Length: +3\r\n\r\nabc"
expect 400 "GET /mandelbrot.png?width=0 HTTP/1.1\r\n$close\r\n"
expect 404 "GET /nothing HTTP/1.1\r\n$close\r\n"
expect 405 "GET /sha256 HTTP/1.1\r\n$close\r\n"
expect 413 "POST /sha256 HTTP/1.1\r\n${close}Content-Length: 99999999999999999999\r\n\r\n"
expect 431 "GET /metrics HTTP/1.1\r\nLong: $(printf '%09000d' 0)"
expect 501 "POST /sha256 HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
expect "200 404 200" \
    "POST /sha256 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /x HTTP/1.1\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n"
head -c 1000000 /dev/urandom >"$out/body"
hash=$(curl -sS --data-binary "@$out/body" "$url/sha256")
sha256sum --quiet --check - <<<"$hash  $out/body" || fail "the wrong hash"
curl -sS -o "$out/image.png" "$url/mandelbrot.png?width=321&height=123"
file "$out/image.png" | grep -q 'PNG image data, 321 x 123, 8-bit grayscale' || fail "no image"

# Three connections for each request that can be queued, three hashes for each image, no pause.
cat >"$out/load.lua" <<'LUA'
local body = string.rep("ring", 1024)
local n = 0
function request()
    n = n + 1
    if n % 4 == 0 then return wrk.format("GET", "/mandelbrot.png?width=160&height=120") end
    return wrk.format("POST", "/sha256", nil, body)
end
LUA
load() {
    wrk --threads 1 --connections 200 --duration "$1" --timeout 5s \
        --script "$out/load.lua" "$url" >"$out/$2"
}
# What wrk has seen.
answers() { sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' "$out/$1"; }
refusals() { sed -n 's/^ *Non-2xx or 3xx responses: //p' "$out/$1" | grep . || echo 0; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }

echo "-- more than it can take"
load 8 load &
client=$!
sleep 2
before=$(rss)
sleep 5
after=$(rss)
wait "$client"
cat "$out/load"
! grep -q 'Socket errors' "$out/load" || fail "not every request was answered"
[ "$(refusals load)" -gt 0 ] || fail "that was not more than it can take"
[ "$(refusals load)" -lt "$(answers load)" ] || fail "nothing was accepted"
printf 'memory after 2 s: %d KiB; after 7 s: %d KiB\n' "$before" "$after"
# It has served tens of thousands of requests in between: one small allocation for each would be
# more.
[ "$after" -le $((before + 1024)) ] || fail "memory has grown"

echo "-- told to stop under load"
curl -sS -o "$out/then" "$url/metrics"
load 4 last &
client=$!
sleep 2
kill -TERM "$server"
code=0
wait "$server" || code=$?
[ $code -eq 0 ] || fail "the server ended with $code"
wait "$client"
cat "$out/last" "$out/log"
# Not exact before this: when wrk's time is up, it does not wait for the last answers. Now the
# server has ended first.
since() {
    local name=server_$1_total
    echo $(($(metric "$name" "$out/log") - $(metric "$name" "$out/then")))
}
accepted=$(since accepted) rejected=$(since rejected)
[ "$(refusals last)" -eq "$rejected" ] ||
    fail "$(refusals last) answers were 503, the counters say $rejected"
[ "$(answers last)" -eq $((accepted + rejected)) ] ||
    fail "$accepted requests were accepted, $(($(answers last) - rejected)) answered"
[ "$(metric 'pool_panics_total{pool="requests"}' "$out/log")" -eq 0 ] || fail "a job has panicked"
echo "$accepted accepted and answered, $rejected rejected and told so"
