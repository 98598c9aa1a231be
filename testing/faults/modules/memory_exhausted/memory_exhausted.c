// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Processes that need more memory than there is: the real out-of-memory killer.
 *
 * The module takes no part: the steps start a process that touches memory without end.
 */
#include "../fault.h"

static const struct fault_command fault_commands[] = {
	{}
};

static int __init memory_exhausted_init(void)
{
	return fault_register();
}
module_init(memory_exhausted_init);
