#!/bin/busybox sh
# The first process: loads what the card's reader and the watchdog need, then hands over to systemd on the card.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules/order); do
    /bin/busybox insmod /modules/$module
done
for word in $(/bin/busybox cat /proc/cmdline); do
    case "$word" in
        root=*) root=${word#root=} ;;
    esac
done
while ! [ -b "$root" ]; do /bin/busybox sleep 1; done
/bin/busybox mount -t ext4 -o ro "$root" /root
/bin/busybox mount -o move /dev /root/dev
/bin/busybox umount /proc /sys
exec /bin/busybox switch_root /root /usr/lib/systemd/systemd
