// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A completion that nobody completes.
 *
 * "request" hands a request to a thread and waits for the answer. The thread drops requests with an
 * odd number without answering.
 */
#include "../fault.h"
#include <linux/completion.h>
#include <linux/workqueue.h>

struct printer_request {
	struct work_struct work;
	struct completion done;
	int number;
};

static noinline void printer_serve(struct work_struct *work)
{
	struct printer_request *request = container_of(work, struct printer_request, work);

	if (request->number & 1)
		return;
	complete(&request->done);
}

static noinline int printer_ask(int number)
{
	static struct printer_request request;

	request.number = number;
	init_completion(&request.done);
	INIT_WORK(&request.work, printer_serve);
	schedule_work(&request.work);
	wait_for_completion(&request.done);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "request", printer_ask },
	{}
};

static int __init printer_init(void)
{
	return fault_register();
}
module_init(printer_init);
