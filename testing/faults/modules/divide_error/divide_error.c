// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A division by zero.
 */
#include "../fault.h"
#include <linux/compiler.h>

static noinline int average_of(int sum, int count)
{
	OPTIMIZER_HIDE_VAR(count);
	return sum / count;
}

static noinline int average_show(int count)
{
	return average_of(100, count) < 0 ? -ERANGE : 0;
}

static const struct fault_command fault_commands[] = {
	{ "show", average_show },
	{}
};

static int __init average_init(void)
{
	return fault_register();
}
module_init(average_init);
