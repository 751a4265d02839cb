#!/bin/sh
# What the tests need of Debian: a PostgreSQL server for the store, a browser for the review page, a sandbox for programs.
# Without it, and without the right to install it, those tests are skipped and say so.
set -eu
wanted="postgresql chromium bubblewrap"
missing=""
command -v dpkg-query >/dev/null 2>&1 || exit 0
for name in $wanted; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q "ok installed" || missing="$missing $name"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "not installed, some tests will be skipped:$missing (get them with: apt-get install$missing)"
    exit 0
fi
echo "installing$missing"
# Only the programs are wanted: no server of the machine's own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold $missing >/dev/null
