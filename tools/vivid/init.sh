#!/bin/busybox sh
# The first process of the guest: loads what vivid needs, then looks at vivid through microcue.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmpfs /tmp
for module in $(/bin/busybox cat /modules/order); do
    /bin/busybox insmod /modules/$module
done
# Debian chooses these libraries when it configures packages, and here none was configured
export LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu/blas:/usr/lib/aarch64-linux-gnu/lapack
export PYTHONPATH=/microcue PYTHONDONTWRITEBYTECODE=1 PATH=/usr/bin:/bin HOME=/tmp
/bin/busybox echo MODULES
/usr/bin/python3 -u -m unittest -v test_vivid 2>&1
echo "ENDED $?"
/bin/busybox poweroff -f
