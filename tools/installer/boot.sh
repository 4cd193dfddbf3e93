#!/bin/sh
# Starts a whole device: Debian with `tools/install.sh --appliance`, its systemd as the first process of namespaces of
# its own, and a folder in place of the card's first partition. Wrong settings, right ones, a restart, a session under
# the hardened unit, and the plug pulled.
#
#   tools/installer/boot.sh [SUITE]     bookworm (default) or trixie
#
# Needs Debian or Ubuntu, root, mmdebstrap, a kernel with cgroup v1 or v2, and a network for the installation. The
# kernel is this machine's: neither a Raspberry Pi's start nor its devices are shown.
set -eu
what=test-boot
# shellcheck source=root.sh
. "$(dirname "$0")/root.sh"
card=$cache/card
say() { echo "test-boot: $1"; }

# the first process: what systemd expects to find, as a container's maker lays it out
# shellcheck disable=SC2016
first='
root=$1 card=$2 console=$3
mount --make-rprivate /
mount --bind "$root" "$root"
mkdir -p "$root/boot/firmware" && mount --bind "$card" "$root/boot/firmware"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for node in null zero full random urandom tty; do : > "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"; ln -s /proc/self/fd "$root/dev/fd"
: > "$root/dev/console"; mount --bind "$console" "$root/dev/console"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd" && mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
    for name in devices memory pids; do
        mkdir "$root/sys/fs/cgroup/$name" && mount -t cgroup -o $name cgroup "$root/sys/fs/cgroup/$name"
    done
fi
exec env -i container=microcue-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /lib/systemd/systemd --system'

start() {
    : > "$cache/console"
    unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child \
        sh -c "$first" sh "$root" "$card" "$cache/console" > "$cache/first" 2>&1 &
    outer=$!
    init=''
    for _ in $(seq 60); do
        # a machine that starts again by itself may have ended before anybody looked
        kill -0 "$outer" 2> /dev/null || { say "started, and ended by itself"; return 0; }
        init=$(pgrep -P "$outer" || true)
        # systemd listens: from here on it can be asked to wait
        if [ -n "$init" ] && inside_it test -S /run/systemd/private 2> /dev/null; then break; fi
        sleep 1
    done
    [ -n "$init" ] || { cat "$cache/first"; fail "systemd did not start"; }
    inside_it systemctl is-system-running --wait > "$cache/state" 2>&1 || true
    say "started: $(cat "$cache/state")"
}
inside_it() {
    nsenter -t "$init" -p -m -n -i -u -C --root="/proc/$init/root" --wd=/ env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
pull_the_plug() { kill -KILL "$init" 2> /dev/null || true; wait "$outer" 2> /dev/null || true; }
state_of() { inside_it systemctl show -p ActiveState --value "$1"; }
trap 'pull_the_plug' EXIT

say "installation as an appliance: both files are on the card, and somebody is told what the next start ends"
mkdir -p "$root/boot/firmware"
printf 'camera_auto_detect=1\n' > "$root/boot/firmware/config.txt"
printf 'root=PARTUUID=1 rootwait\n' > "$root/boot/firmware/cmdline.txt"
in_root sh /mnt/tools/install.sh --appliance > "$cache/install.txt" || { cat "$cache/install.txt"; fail "not installed"; }
# the built-in clip, from this machine if it has one
mkdir -p "$root/var/cache/microcue"
cp "${XDG_CACHE_HOME:-$HOME/.cache}"/microcue/demo-* "$root/var/cache/microcue" 2> /dev/null || true
in_root chown -R microcue:microcue /var/cache/microcue
grep -q 'there is no SSH and no Wi-Fi' "$cache/install.txt" || fail "nobody is told that SSH ends"
rm -rf "$card"
mv "$root/boot/firmware" "$card"
for name in microcue.toml microcue-first-boot.toml; do [ -s "$card/$name" ] || fail "the card lacks $name"; done

say "1. wrong settings on the card"
printf '[capture]\ncamra = "demo"\n' > "$card/microcue.toml"
start
grep -q "did you mean camera" "$card/microcue-problem.txt" || fail "the card does not say what is wrong"
[ "$(state_of multi-user.target)" = active ] || fail "the machine did not start"
[ "$(state_of microcue.service)" != active ] || fail "somebody is watched with wrong settings"
[ "$(state_of microcue-fault.service)" = active ] || fail "the light does not tell"
inside_it nft list chain inet microcue output | grep -q "policy drop" || fail "the firewall is open"
pull_the_plug

say "2. right ones: applied, and the machine starts again by itself"
printf '[capture]\r\ncamera = "demo"\r\n' > "$card/microcue.toml"
printf '[device]\nname = "rig-7"\nsensor = "imx708"\n[network]\nset_clock = true\n' > "$card/microcue-first-boot.toml"
start || true
for _ in $(seq 60); do kill -0 "$outer" 2> /dev/null || break; sleep 1; done
! kill -0 "$outer" 2> /dev/null || fail "it did not start again"
[ "$(cat "$root/etc/hostname")" = rig-7 ] || fail "the name was not taken"
grep -q '^dtoverlay=imx708$' "$card/config.txt" || fail "config.txt does not name the sensor"
grep -q 'cgroup_enable=memory' "$card/cmdline.txt" || fail "the kernel's words were not added"
[ ! -e "$card/microcue-problem.txt" ] || fail "the message did not go away"

say "3. it watches, under the hardened unit"
start
[ "$(state_of microcue-first-boot.service)" = active ] || fail "the card was not read again"
for _ in $(seq 120); do [ "$(state_of microcue.service)" = activating ] || break; sleep 1; done
state=$(state_of microcue.service)
[ "$state" = active ] || { inside_it journalctl -u microcue -n 20 --no-pager; fail "it does not watch: $state"; }
pid=$(inside_it systemctl show -p MainPID --value microcue.service)
inside_it grep -E '^(NoNewPrivs|Seccomp|CapEff|Uid):' "/proc/$pid/status" | tee "$cache/confined"
for line in 'NoNewPrivs:.1' 'Seccomp:.2' 'CapEff:.0000000000000000'; do
    grep -q "$line" "$cache/confined" || fail "it is not confined: $line"
done
[ "$(inside_it nsenter -t "$pid" -n ls /sys/class/net | tr -d '\n')" = lo ] || fail "it has a network"
for _ in $(seq 300); do [ "$(state_of microcue.service)" = active ] || break; sleep 2; done
[ "$(inside_it systemctl show -p Result --value microcue.service)" = success ] || fail "the session ended badly"
cues='/opt/microcue/bin/microcue cues latest --json --data /var/lib/microcue'
# shellcheck disable=SC2086
inside_it $cues > "$cache/cues.json"
n=$(grep -c '"onset_s"' "$cache/cues.json") || fail "no cue was logged"
say "$n cues were logged"
# the same clip without systemd around it
in_root env CACHE_DIRECTORY=/var/cache/microcue NUMBA_CACHE_DIR=/tmp/numba /opt/microcue/bin/microcue run --camera demo \
    --led none --quiet --data /var/tmp/direct
in_root /opt/microcue/bin/microcue cues latest --json --data /var/tmp/direct > "$cache/direct.json"
cp "$cache/cues.json" "$cache/direct.json" "$root/var/tmp/"
in_root /opt/microcue/bin/python -c '
import json, pathlib
first, second = ([(c["onset_frame"], c["apex_frame"], c["offset_frame"], c["side"], c["amplitude_miod"]) for c in
    json.loads(pathlib.Path("/var/tmp", name).read_text())] for name in ("cues.json", "direct.json"))
raise SystemExit(first != second)' || fail "under the unit it finds other cues"
say "the same clip without systemd around it gives the same cues, to the last digit"

say "4. the plug is pulled while it watches"
inside_it systemctl start microcue.service
sleep 10
pull_the_plug
start
inside_it /opt/microcue/bin/microcue doctor --only log --data /var/lib/microcue || fail "the log is not whole"
# shellcheck disable=SC2086
inside_it /opt/microcue/bin/microcue sessions --data /var/lib/microcue
pull_the_plug
trap - EXIT
say "ok"
