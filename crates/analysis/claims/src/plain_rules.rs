//! The rows of the table of claims that speak of plain facts of a log: fields, places, CPUs, tasks, memory.
//! Each is looked up in the lines of the log; see [`crate::rules`] for the rest of the table.

use std::sync::LazyLock;

use crate::claims::Found;
use crate::index::FIELDS;
use crate::judge::{crash, fields, memory, stalls, tasks};
use crate::number::NUMBER_SHAPE;
use crate::rules::{BASE, Polarity, Rule};

fn text(found: &Found<'_>) -> Option<String> {
    let place = (found.sentence.lines.first, found.range.start);
    Some(format!("{place:?} {}", found.text.to_ascii_lowercase()))
}

/// A claim of one sentence is judged by its subject, so each sentence is a claim of its own.
const EACH: Rule = Rule { key: text, polarity: Polarity::Flip, asserted_only: true, ..BASE };

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// `fqs=1192`, `RDI is 0`, `292248kB of anon-rss`.
fn field_shape() -> &'static str {
    let mut names: Vec<String> =
        FIELDS.iter().filter(|f| f.len() > 1).map(|f| regex::escape(f)).collect();
    names.extend(
        ["in_atomic", "irqs_disabled", "R8", "R9", "state", r"error[ -]code"].map(str::to_owned),
    );
    names.sort_by_key(|n| std::cmp::Reverse(n.len()));
    let names = names.join("|");
    let unit = r"[kMG]i?B|bytes";
    leak(format!(
        r"(?:^|[\s,(\[;`'])(?P<field>(?i:{names})|t|g|q|c|s)(?:\(\))?`?\s*(?:(?P<equals>=|:)|(?i:\b(?:of (?:the )?[\w./:-]{{1,32}} )?(?:is|was|are|were|of|holds|contains|had|has|reads|equals)\b(?: only| just| set to| now)?))\s*`?(?P<value>-?(?:0x)?[0-9a-fA-F][0-9a-fA-Fx.,_/]*(?:\([A-Z_|]+\))?)(?:\s?(?P<unit>{unit}))?\b|\b(?P<value2>\d[\d.,]*)\s?(?P<unit2>{unit})\s+(?:of\s+)?(?P<field2>(?i:free swap|anon-rss|total-vm|file-rss|free))\b"
    ))
}

/// A function: a word with an underscore, or with parentheses or an offset behind it.
const FUNCTION: &str =
    r"(?:[a-zA-Z]\w*_\w+|_+[a-zA-Z]\w*|[a-z]\w+(?:\(\)|\+0x[0-9a-f]+))(?:\.[a-z]\w*(?:\.\d+)?)?";

/// All rows.
pub(crate) static ROWS: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    vec![
        Rule {
            id: "C46",
            looks_for: "the value of a field, a register or a counter",
            meaning: "the kernel prints it",
            shape: field_shape(),
            key: fields::key,
            judge: fields::value,
            ..EACH
        },
        Rule {
            id: "C47",
            looks_for: "on which CPU something happened or ran",
            meaning: "headers of reports and stacks print the CPU",
            shape: r"(?i)\b(?P<verb>ran|runs?|running|execut\w+|spin\w*|loop\w*|oops(?:ed|es)?|crash(?:ed|es)?|panick?ed|happen(?:ed|s)?|occurr?(?:ed|s)?|hit|triggered|reported|printed|fault(?:ed|s)?|was|is|were)\b[^.;,]{0,40}?,?\s+(?:on|for)\s+(?:logical |core |the )?CPU[ #]?(?P<cpu>\d{1,4})\b|\b(?P<event>soft[- ]?lockup|hard[- ]?lockup|lockup|stall|oops|crash|fault|panic|warning|KASAN \w+|(?:divide )?error|exception|trap|splat)\b[^.;]{0,30}?\b(?:on|for)\s+CPU[ #]?(?P<cpu2>\d{1,4})\b|(?P<verb2>(?:pid|PID)[ :=#]*\d+\)?),?\s+on\s+CPU[ #]?(?P<cpu3>\d{1,4})\b",
            except: r"(?i)\b(?:detected by|detected on)\b",
            judge: crash::on_cpu,
            ..EACH
        },
        Rule {
            id: "C48",
            looks_for: "which CPU detected a stall",
            meaning: "`detected by N`, or the one CPU line of a self-detected stall",
            shape: r"(?i)\bdetect(?:ed|ing)\s+(?:by|from)\s+(?:(?:another|a different|the other|some other) CPU,? (?:namely )?)?(?:CPU)?[ #=:]{0,2}(?P<cpu>\d{1,4})\b|\bCPU[ #]?(?P<cpu2>\d{1,4})\b[^.;,]{0,20}\b(?:detected|noticed|reported|is the detector|was the detector)\b",
            judge: stalls::detected_by,
            ..EACH
        },
        Rule {
            id: "C49",
            looks_for: "the kind of an RCU stall",
            meaning: "the first line of the report names flavour and kind",
            shape: r"(?i)\b(?P<kind>self[- ]detected|(?:non-)?expedited)\b(?:,? (?:RCU|grace[ -]period|GP|CPU|stall|on|by|the|$))*|\b(?P<kind2>normal(?:,? non-expedited)?|SRCU|RCU[- ]tasks|rcu_(?:preempt|sched|bh))(?:,? (?:RCU|grace[ -]period|GP|CPU|self-detected|detected))* stalls?\b|\b(?P<kind3>rcu_(?:preempt|sched|bh)) (?:detected|detects)\b",
            judge: stalls::kind,
            ..EACH
        },
        Rule {
            id: "C50",
            looks_for: "a number of jiffies",
            meaning: "stall reports print them",
            shape: leak(format!(r"(?i)\b(?P<jiffies>{NUMBER_SHAPE})[ -]jiff(?:ies|y)\b")),
            except: r"(?i)\blast (?:ran|active|scheduled)\b",
            judge: stalls::jiffies,
            ..EACH
        },
        Rule {
            id: "C51",
            looks_for: "jiffies as time",
            meaning: "time is jiffies by HZ, which the log gives or not",
            shape: leak(format!(
                r"(?i)(?:^|[\s(~\u{{2248}}=])(?P<amount>{NUMBER_SHAPE})[ -]?(?P<unit>ms|msecs?|milliseconds?|s|secs?|seconds?|min(?:ute)?s?)\b"
            )),
            except: r"(?i)\bblocked\b",
            judge: stalls::conversion,
            ..EACH
        },
        Rule {
            id: "C52",
            looks_for: "the function in which it crashed",
            meaning: "the instruction pointer, or the headline of a sanitizer",
            shape: leak(format!(
                r"(?i)(?:\b(?:faulting (?:instruction|function|address|code|IP|RIP|PC)|instruction pointer|program counter|(?-i:RIP|EIP|PC|IP)|crash(?:es|ed|ing)?|oops(?:es|ed)?|fault(?:s|ed)?|died|panick?ed|dereference[sd]?|general protection fault|page fault|bad access|use-after-free|out-of-bounds|double[- ]free)\b[^.;]{{0,32}}?\b(?:in|at|inside|within|is|was|points? (?:to|at|into)|hit|by)\s+(?:the\s+)?(?:function\s+)?`?(?P<function>(?-i:{FUNCTION})(?:\+0x[0-9a-f]+)?)\b|\b(?:the )?(?:function )?`?(?P<function2>(?-i:{FUNCTION}))(?:\(\))?`? (?:crash\w*|oops\w*|fault(?:s|ed)\b|did the (?:bad )?access|dereferenc\w*)|(?-i:\b(?P<function3>{FUNCTION}))(?:\(\))?`? (?:is|was) (?:the )?(?:faulting function|function at (?:fault|RIP|the fault)|where (?:it|the kernel) (?:crash|oops|fault)\w*|at RIP))"
            )),
            key: crash::function_key,
            judge: crash::place,
            ..EACH
        },
        Rule {
            id: "C53",
            looks_for: "the address of a fault",
            meaning: "CR2, the first line of an oops, `at addr` of a sanitizer",
            shape: r"(?i)\b(?:fault\w*|bad|oops|invalid|access\w*|deref\w*|crash\w*|virtual|null)\b[^.;]{0,30}?\b(?:address|addr|pointer)\b[^.;0-9]{0,12}\b(?P<address>0x[0-9a-f]{1,16}|[0-9a-f]{8,16})\b|\b(?:address|addr)\s+(?:of the fault |was |is |= ?|: ?)*(?P<address2>0x[0-9a-f]{1,16}|[0-9a-f]{16})\b|\b(?:dereference\w*|oops\w*|page fault|crash\w*|protection fault)\b[^.;]{0,30}?\bat\s+(?:address )?(?P<address3>0x[0-9a-f]{1,16}|[0-9a-f]{16})\b",
            except: r"(?i)\bhandler|breakpoint|physical address|MAC address|return address",
            judge: crash::address,
            ..EACH
        },
        Rule {
            id: "C54",
            looks_for: "what kind of access failed",
            meaning: "the error code of a page fault, the second line of a sanitizer",
            shape: r"(?i)\b(?:(?:read|write|writing|reading|execute|instruction fetch|user|kernel|supervisor)(?: access| fault|[- ]mode| to (?:a|an|the|address|memory|freed)| from (?:a|an|the|address|memory|freed)| of (?:a page|size \d+))(?: (?:read|write|access))?|(?:was|is|as|means|means a|a|an|of a) (?:kernel |user )?(?:read|write)\b|from (?:user|kernel)(?: |-)?(?:space|mode)|(?:page (?:was |is |that (?:is|was) )?(?:not |non-?)present|not[- ]present page|present page|unmapped page|protection (?:violation|fault on)))",
            except: r"(?i)\bnot (?:a |an )?(?:read|write|user|kernel)\b|general protection|interrupt|copy|lock|syscall|system call|rwsem|semaphore|\bthe (?:read|write) (?:path|side)|read-side|switch",
            polarity: Polarity::Own,
            key: crash::access_key,
            judge: crash::access,
            ..EACH
        },
        Rule {
            id: "C55",
            looks_for: "taint of the kernel",
            meaning: "headers of reports print its letters",
            shape: r"(?i)\b(?P<clean>not tainted|untainted|no taint|isn't tainted|wasn't tainted|(?:is|was) not tainted)\b|\b(?:is|was|were|been|got|kernel|already) tainted\b|\btainted (?:by|with|because of|due to)\b|\btaint(?:ed)? (?:flags?|letters?|bit) (?:(?:is|was|are|of) )?(?-i:(?P<letter>[PFSRMBUDAWCIOELKXTN]))\b",
            except: r"(?i)\buntaint the\b|data taint|taint analysis",
            polarity: Polarity::Own,
            judge: crash::taint,
            ..EACH
        },
        Rule {
            id: "C56",
            looks_for: "who calls whom",
            meaning: "frames of one stack, stale ones left out",
            shape: leak(format!(
                r"\b(?P<callee>{FUNCTION})(?:\(\))?(?:\+0x[0-9a-f/x]+)?,? (?:(?:is|was|gets|got|itself|being) )?(?:called|invoked|reached) (?:by|from|via)\s+`?(?P<caller>{FUNCTION})\b|\b(?P<caller2>[a-z_]+_\w+)(?:\(\))? (?:calls|called|invokes|calling)\s+`?(?P<callee2>[a-z_]+_\w+)\b|\b(?P<itself>{FUNCTION})(?:\(\))? (?:calls|called|calling) itself\b"
            )),
            judge: crash::calls,
            ..EACH
        },
        Rule {
            id: "C57",
            looks_for: "a function that a stack is said to show",
            meaning: "frames of the log, stale ones left out",
            shape: leak(format!(
                r"(?i)\b(?:call ?trace|back ?trace|stack(?: ?trace)?|trace|dump)\b[^.;,]{{0,30}}\b(?:shows?|contains?|has|lists?|includes?|points? (?:to|at)|with|is in)\b[^.;,]{{0,25}}?\s`?(?P<function>(?-i:{FUNCTION}))(?:\(\)|`|\b)|(?-i:\b(?P<function2>{FUNCTION}))(?:\(\))?`? (?:is|was|stands|appears|shows up|sits|can be seen) (?:high |low )?(?:in|on) the (?:call ?trace|back ?trace|stack(?: ?trace)?|trace)\b"
            )),
            key: crash::function_key,
            judge: crash::in_trace,
            ..EACH
        },
        Rule {
            id: "C58",
            looks_for: "what a CPU was doing",
            meaning: "headers and stacks of that CPU",
            shape: r"(?i)\bCPU[ #]?(?P<cpu>\d{1,4})\s+(?:(?:was|is|were|still|currently|just|has been|then)\s+)*(?:running|executing|busy (?:with|in|running)|spinning (?:in|inside|on)|looping (?:in|inside)|stuck (?:in|inside)|inside|in|runs|ran|executes)\s+(?:the |task |process )*`?(?P<what>[\w./:-]+)|\b(?:back ?trace|stack|dump) (?:of|for|from) CPU[ #]?(?P<cpu2>\d{1,4}) (?:shows|is of|has|belongs to|is from)\s+(?:the |task |process )*`?(?P<what2>[\w./:-]+)",
            judge: crash::cpu_runs,
            ..EACH
        },
        Rule {
            id: "C59",
            looks_for: "the state of a task",
            meaning: "headers of stacks and hung-task reports print it",
            shape: r"(?i)\b(?:is|was|are|were|stuck|sits|sleeps|sleeping|blocked|remains?|hung)\s+(?:still |both |all )?in\s+(?:an? |the )?(?:state\s+(?-i:(?P<state>[DSRITZ]))\b|(?-i:(?P<state2>[DSRITZ]|TASK_\w+|uninterruptible|interruptible|idle))\b(?:\s+\([^)]*\))?(?:[- ](?:state|sleep)\b)?)",
            judge: tasks::state,
            ..EACH
        },
        Rule {
            id: "C60",
            looks_for: "a task of the log that holds a lock",
            meaning: "lists of held locks, owner lines and the wait graph",
            shape: r"(?i)\b(?:holds?|holding|held|owns|acquired|has taken|took)\s+(?:the |a |an |its |both |this |that )*(?P<lock>[&\w]+(?:(?:->|\.)\w+)*)\b|\b(?P<lock2>\w+(?:(?:->|\.)\w+)*)\s+(?:is |was |being )*(?:held|owned) by\s+(?:the |task |process )*",
            except: r"(?i)\bhold(?:s|ing)? (?:up|on|off|true|back)\b|\blocks? (?:are |is |were )?held by\b",
            judge: tasks::holds,
            ..EACH
        },
        Rule {
            id: "C61",
            looks_for: "how many locks a task holds",
            meaning: "the kernel counts them",
            shape: leak(format!(
                r"(?i)\b(?P<count>{NUMBER_SHAPE}) locks? (?:(?:are|is|were|was) )?held by\b|\bholds? (?P<count2>{NUMBER_SHAPE}) locks?\b"
            )),
            judge: tasks::lock_count,
            ..EACH
        },
        Rule {
            id: "C62",
            looks_for: "a task that is a victim, or to blame",
            meaning: "a task that waits for another is a victim",
            shape: r"(?i)\bis\s+(?:only |just |merely |clearly |probably |likely |simply )*(?:a |an |the )?(?:real |actual |innocent |main |mere )?(?:(?P<victim>victim|bystander)|culprit|root cause|guilty|to blame|at fault|offender)\b",
            judge: tasks::role,
            ..EACH
        },
        Rule {
            id: "C63",
            looks_for: "a task of the log that hung",
            meaning: "hung-task reports name it",
            shape: r"(?i)\b(?:hung|hangs|was reported (?:as )?hung|is reported (?:as )?hung)\b",
            except: r"(?i)hung[- ]tasks?\b|\b(?:tasks|processes|several|nothing|machine|system)\b[^.;]{0,12}\bhung",
            judge: tasks::hung,
            ..EACH
        },
        Rule {
            id: "C64",
            looks_for: "a task that is the holdout of a grace period",
            meaning: "stall reports list readers as P<pid>",
            shape: r"(?i)(?:\bP(?P<pid>\d{1,7})\b[^.;]{0,10})?\b(?:is|was)\s+(?:the |a |an )?(?:only |real |actual )?(?:holdout|RCU reader|blocking reader|reader that blocks)\b|\b(?:blocks|blocked|holds up|holding up|prevents|stalls|delays)\s+(?:the |this |that )?(?:RCU |current )*(?:grace[ -]period|GP)\b",
            judge: tasks::holdout,
            ..EACH
        },
        Rule {
            id: "C65",
            looks_for: "a kill because of a cgroup's limit, or of the whole machine",
            meaning: "the constraint in the killer's line",
            shape: r"(?i)\b(?:(?:memory )?c-?group|memcg|container|pod)\b[^.;]{0,25}\b(?:OOM|limit|out of memory)\b|\b(?:hit|reached|exceeded|exceeds) (?:its|the|a|their) (?:memory|cgroup|memcg)(?: memory)? limit\b|\b(?P<global>(?:global|system[- ]wide|host[- ]wide|machine[- ]wide) (?:OOM|out[- ]of[- ]memory|memory shortage)|CONSTRAINT_NONE)\b",
            judge: memory::constraint,
            ..EACH
        },
        Rule {
            id: "C66",
            looks_for: "who was killed",
            meaning: "the killer's line names the victim",
            shape: r"(?i)\bkilled process \d+ \((?P<name3>[^)]{1,32})\)|\b(?:killed|terminated|sacrificed)\s+(?:the |a )?(?:process |task )?(?:(?:is|was)\s+)?`?(?P<name>[A-Za-z][\w./:-]*)|\b(?:victim|killed (?:process|task))\s+(?:is|was|:)\s*(?:the )?(?:process |task )?`?(?P<name2>[A-Za-z][\w./:-]*)|\b(?:was|got|been|is) killed\b",
            judge: memory::victim,
            ..EACH
        },
        Rule {
            id: "C67",
            looks_for: "whose allocation called the out-of-memory killer",
            meaning: "`X invoked oom-killer`",
            shape: r"(?i)\b(?:OOM[- ]killer|out[- ]of[- ]memory killer)\b[^.;]{0,20}\b(?:invoked|triggered|called) by\s+(?:the )?(?:process |task )?`?(?P<name>[A-Za-z][\w./:-]*)|\b(?:invoked|triggered|called) (?:the )?(?:OOM|oom-killer|out-of-memory)",
            judge: memory::invoker,
            ..EACH
        },
        Rule {
            id: "C68",
            looks_for: "swap that is full or missing",
            meaning: "Free swap and Total swap",
            shape: r"(?i)\b(?:(?:ran |run |is |was )?out of swap|swap (?:space )?(?:is|was|had been|got)\s+(?:completely |fully |entirely |almost )?(?:full|exhausted|used up|depleted)|exhausted (?:its |the |all )?swap|no (?:free )?swap(?: space)?|without (?:any )?swap|swap (?:is|was) (?:not configured|disabled|off|absent)|swapless)\b",
            polarity: Polarity::Own,
            judge: memory::swap,
            ..EACH
        },
        Rule {
            id: "C69",
            looks_for: "which of two reports came first",
            meaning: "lines stand in the order of printing",
            shape: r"(?i)\b(?P<early>soft[- ]lockup|hard[- ]lockup|RCU stall|stall|oops|KASAN|panic|hung[- ]tasks?|OOM|warning|lockdep)\b(?: (?:report|splat|kill|event)s?)?(?: (?:\w+ ){0,2})?(?:before|preceded|precedes|preceding|prior to|ahead of)\s+(?:the |any |an? )?(?P<late>soft[- ]lockup|hard[- ]lockup|RCU stall|stall|oops|KASAN|panic|hung[- ]tasks?|OOM|warning|lockdep)\b|\b(?P<early2>soft[- ]lockup|hard[- ]lockup|RCU stall|oops|KASAN|panic|hung[- ]tasks?|OOM|warning|lockdep)\b(?: (?:report|splat|kill|event)s?)? (?:came|comes|was|is|happened|occurred|printed) first\b[^.]{0,12}?(?:,|;|and|then)[^.]{0,20}?\b(?P<late2>soft[- ]lockup|hard[- ]lockup|RCU stall|oops|KASAN|panic|hung[- ]tasks?|OOM|warning|lockdep)\b",
            judge: crash::order,
            ..EACH
        },
        Rule {
            id: "C70",
            looks_for: "a report of a checker, or an oops",
            meaning: "each has its own first line",
            shape: r"(?i)\b(?P<who>KASAN|KFENCE|KMSAN|KCSAN|UBSAN|kmemleak|lockdep)\s+(?:\w+\s+)?(?:report(?:s|ed)?|complain(?:s|ed)?|warn(?:s|ed)?|flag(?:s|ged)?|caught|detect(?:s|ed)?|found|splat)\b|\b(?P<who2>oops(?:ed|es))\b",
            absence_counts: true,
            judge: crash::reporter,
            ..EACH
        },
        Rule {
            id: "C71",
            looks_for: "a CPU that is idle",
            meaning: "backtraces and headers tell what it ran",
            shape: r"(?i)\bCPU[ #]?(?P<cpu>\d{1,4})\s+(?:is|was|were|sat|stayed)\s+(?:not |n't |mostly |completely |just )*(?:idle|idling)\b",
            judge: stalls::idle,
            ..EACH
        },
        Rule {
            id: "C73",
            looks_for: "a task that slept inside an RCU reader section",
            meaning: "the warning of the scheduler, or a blocked reader in a stall report",
            shape: r"(?i)\b(?:slept|sleeps?|sleeping|went to sleep|goes to sleep|blocks?|blocked|scheduled?|context[- ]switch\w*|voluntar\w+)\b[^.;]{0,50}\b(?:in|inside|within|while (?:in|holding)|under)\b[^.;]{0,20}\b(?:RCU read(?:er)?[- ]?(?:side|lock)?|rcu_read_lock|RCU critical|read-side critical)",
            judge: tasks::sleeping_reader,
            ..EACH
        },
        Rule {
            id: "C74",
            looks_for: "the function in which a task of the log is",
            meaning: "the stacks of that task",
            shape: leak(format!(
                r"(?i)\b(?:waits?|waiting|blocks?|blocked|stuck|sleeps?|sleeping|slept|hangs?|hung|sits?|spins?|spinning|loops?|looping|runs?|running|executing|is|was)\b[^.;,]{{0,40}}?\b(?:in|inside|at)\s+(?:the function\s+)?`?(?P<function>(?-i:{FUNCTION}))|\b(?:runs?|ran|running|executes|executing)\s+(?:the function\s+)?`?(?P<function2>(?-i:{FUNCTION}))"
            )),
            judge: tasks::inside,
            ..EACH
        },
        Rule {
            id: "C75",
            looks_for: "the task that crashed",
            meaning: "the header of the report names it",
            shape: r"(?i)\b(?:the )?(?:(?:crash\w*|fault\w*|offending|current|guilty) )?(?:task|process|command|program|thread)\s+(?:(?:at fault|that crashed|that oopsed|involved)\s+)?(?:was|is)\s+(?:called |named |the )?`?(?P<name>[A-Za-z(][\w./:()#+-]*)|\b(?:crash|oops|fault|panic|lockup|warning|bug|exception) (?:was|is|got) (?:triggered|caused|hit) by (?:the )?(?:task |process )?`?(?P<name2>[A-Za-z(][\w./:()#+-]*)",
            judge: tasks::identity,
            ..EACH
        },
        Rule {
            id: "C76",
            looks_for: "a task of the log that waits for a lock",
            meaning: "its stack shows what it waits for",
            shape: r"(?i)\b(?:waits?|waiting|blocked|blocks|stuck|queued)\s+(?:for|on|behind)\s+(?:the |a |an |its |that |this |same )*(?P<lock>mutex|rwsem|rw_?semaphore|semaphore|lock|spinlock)\b",
            judge: tasks::waits_for_lock,
            ..EACH
        },
        Rule {
            id: "C79",
            looks_for: "the kind of a trap",
            meaning: "its first line names it; a trap is of one kind",
            shape: r"(?i)\b(?P<kind>page fault|paging request|divide error|division by zero|divide by zero|general protection fault|invalid opcode|BUG_ON|kernel BUG at|stack overflow(?:ed|s)?|stack guard page|double fault|refcount(?:_t)? (?:underflow|overflow|saturat\w+|leak))\b",
            except: r"(?i)\b(?:page fault handler|handle\w* page fault|heap|buffer|if)\b",
            key: |f| Some(crash::trap_key(f.group("kind")?)),
            absence_counts: true,
            judge: crash::trap_kind,
            ..EACH
        },
        Rule {
            id: "C80",
            looks_for: "the pid of a task of the log",
            meaning: "headers name both",
            shape: r"\b(?:has|had|with|is|was)\s+(?:the )?(?:PID|pid)\s*[:=]?\s*(?P<pid>\d{1,7})\b|\b(?:PID|pid) (?P<pid2>\d{1,7}) (?:is|was|=|belongs to)\s+(?:the )?(?:task |process )?`?(?P<name>[A-Za-z(][\w./:()#+-]*)|(?:\(|, )(?:PID|pid)[ :=]*(?P<pid3>\d{1,7})\b",
            judge: tasks::pid,
            ..EACH
        },
        Rule {
            id: "C81",
            looks_for: "list poison",
            meaning: "LIST_POISON1 is the next pointer of a deleted entry, LIST_POISON2 the prev pointer",
            shape: r"\bLIST_POISON(?P<number>[12])\b",
            key: |f| f.group("number").map(str::to_owned),
            judge: crash::list_poison,
            ..EACH
        },
        Rule {
            id: "C82",
            looks_for: "when the grace-period thread last ran",
            meaning: "the line about its starvation, or about its last activity",
            shape: leak(format!(
                r"(?i)\bk?thread\b[^.;]{{0,30}}\blast (?:ran|active|scheduled|run)\b[^.;]{{0,16}}?\b(?P<jiffies>{NUMBER_SHAPE}) jiffies"
            )),
            judge: stalls::last_ran,
            ..EACH
        },
        Rule {
            id: "C72",
            looks_for: "a value that is said to be poison",
            meaning: "the kernel fills freed memory with known patterns",
            shape: r"(?i)\b(?P<value>(?:0x)?[0-9a-f]{16})\b[^.;]{0,40}\bpoison",
            judge: crash::poison,
            ..EACH
        },
    ]
});
