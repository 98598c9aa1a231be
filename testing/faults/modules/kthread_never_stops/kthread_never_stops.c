// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A kernel thread that does not look whether it should stop, and the task that stops it.
 */
#include "../fault.h"
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>

static struct task_struct *pump_thread;

static int pump_run(void *unused)
{
	for (;;)
		schedule_timeout_interruptible(600 * HZ);
	return 0;
}

static noinline int pump_stop(int unused)
{
	return kthread_stop(pump_thread);
}

static const struct fault_command fault_commands[] = {
	{ "stop", pump_stop },
	{}
};

static int __init pump_init(void)
{
	pump_thread = kthread_run(pump_run, NULL, "pump");
	if (IS_ERR(pump_thread))
		return PTR_ERR(pump_thread);
	return fault_register();
}
module_init(pump_init);
