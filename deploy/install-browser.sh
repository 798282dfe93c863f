#!/bin/sh
# Chromium for the browser tests, where it can be had. Never fatal, never silent:
# without a browser those tests are skipped, and in CI they fail.
set -u
have() { command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || [ -n "${CHROMIUM:-}" ]; }
playwright_has() { ls "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium-* >/dev/null 2>&1; }

have && exit 0
playwright_has && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the browser tests (apt-get install chromium) ..."
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
    </dev/null >/dev/null 2>&1 && have && exit 0
fi
if [ "${CI:-}" != true ]; then
  echo "Installing Playwright's Chromium for the browser tests ..."
  timeout 300 "$PLAYWRIGHT" install chromium </dev/null >/dev/null 2>&1 && exit 0
fi
echo "NO BROWSER: Chromium could not be installed; the browser tests will be skipped (and fail where CI=true)." >&2
exit 0
