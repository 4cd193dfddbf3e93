#!/bin/busybox sh
# The first process of the guest: loads what its disks need, then records until the power goes.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules/order); do
    /bin/busybox insmod /modules/$module
done
/bin/busybox mount -t ext4 -o ro /dev/vda /root
/bin/busybox mount -t ext4 /dev/vdb /root/mnt
/bin/busybox mount -t proc proc /root/proc
/bin/busybox mount -t devtmpfs dev /root/dev
/bin/busybox mount -t tmpfs tmpfs /root/tmp
read -r options < /proc/cmdline
case "$options" in
    *synchronous=OFF*) synchronous=OFF ;;
    *) synchronous=FULL ;;
esac
# Debian chooses these libraries when it configures packages, and here none was configured
export LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu/blas:/usr/lib/aarch64-linux-gnu/lapack
export PYTHONPATH=/mnt/microcue PYTHONDONTWRITEBYTECODE=1 PATH=/usr/bin:/bin HOME=/tmp
/bin/busybox chroot /root /usr/bin/python3 /mnt/microcue/record.py /mnt/log "$synchronous" 2>&1
echo "ENDED $?"
/bin/busybox sleep 100000
