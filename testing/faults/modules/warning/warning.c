// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A state that "cannot be": a plain WARN_ON(), after which everything goes on.
 */
#include "../fault.h"
#include <linux/bug.h>

static int valve_open = 1;

static noinline int valve_close(int unused)
{
	WARN_ON(!valve_open);
	valve_open = 0;
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "close", valve_close },
	{}
};

static int __init valve_init(void)
{
	return fault_register();
}
module_init(valve_init);
