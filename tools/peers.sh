#!/bin/sh
# Installs, on Debian and as root, what tests and benchmarks compare Trivet with. What cannot be installed is
# left out: the tests that need it are skipped and the benchmark reports it as missing. Never fails.
missing=""
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v redis-benchmark >/dev/null 2>&1 || missing="$missing redis-tools"
command -v etcd >/dev/null 2>&1 || missing="$missing etcd-server"
command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
command -v fiu-ctrl >/dev/null 2>&1 || missing="$missing fiu-utils"
command -v iptables >/dev/null 2>&1 || missing="$missing iptables"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
command -v mariadbd >/dev/null 2>&1 || missing="$missing mariadb-server"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v chromedriver >/dev/null 2>&1 || missing="$missing chromium-driver"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed, going on without:$missing"
    exit 0
fi
# A package must not start a service of its own here.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy" && made_policy=1
fi
export DEBIAN_FRONTEND=noninteractive
timeout 120 apt-get update -qq >/dev/null 2>&1
for package in $missing; do
    timeout 300 apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 || echo "could not install $package, going on without"
done
[ -n "$made_policy" ] && rm -f "$policy"
exit 0
