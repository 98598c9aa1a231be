// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A loop with softirqs off: timers and RCU callbacks of the CPU wait, interrupts do not.
 */
#include "../fault.h"
#include <linux/bottom_half.h>
#include <linux/rcupdate.h>

static noinline int router_scan(int seconds)
{
	local_bh_disable();
	fault_spin(seconds);
	local_bh_enable();
	return 0;
}

static noinline int router_flush(int unused)
{
	synchronize_rcu();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "scan", router_scan },
	{ "flush", router_flush },
	{}
};

static int __init router_init(void)
{
	return fault_register();
}
module_init(router_init);
