// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A sleep with preemption off.
 *
 * "rinse" waits for water inside get_cpu(): a kernel that checks for it says "sleeping function called
 * from invalid context", any other says "scheduling while atomic".
 */
#include "../fault.h"
#include <linux/mutex.h>
#include <linux/smp.h>

static DEFINE_MUTEX(washer_water);

static noinline void washer_fill(void)
{
	mutex_lock(&washer_water);
	msleep(20);
	mutex_unlock(&washer_water);
}

static noinline int washer_rinse(int unused)
{
	get_cpu();
	washer_fill();
	put_cpu();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "rinse", washer_rinse },
	{}
};

static int __init washer_init(void)
{
	return fault_register();
}
module_init(washer_init);
