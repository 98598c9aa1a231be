//! The table of claims: what each rule looks for, how it is judged, and what stands behind it.
//!
//! A new kind of claim is a new row and a judge of a few lines; each judge states in its comment
//! which verdict follows from what.

use crate::claims::{Case, Found, Judgement};
use crate::judge::{advice, details, faults, log, source, waits};

/// What becomes of a find that the author denies (`no`, `not`, `rather than`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polarity {
    /// The shape and the judge see to it themselves.
    Own,
    /// It is no claim of this kind.
    Drop,
    /// The opposite is claimed: the verdict is turned round.
    Flip,
}

/// One row.
pub struct Rule {
    /// The identifier that reports carry.
    pub id: &'static str,
    /// What it looks for, for people.
    pub looks_for: &'static str,
    /// What the verdict rests on.
    pub meaning: &'static str,
    /// The shape of the claim within one sentence.
    pub(crate) shape: &'static str,
    /// Sentences that match this are something else; empty for none.
    pub(crate) except: &'static str,
    /// Conditions and headings are not this claim.
    pub(crate) asserted_only: bool,
    /// Suppositions count as well, as those of advice do.
    pub(crate) supposed_too: bool,
    /// What a denial does.
    pub(crate) polarity: Polarity,
    /// A denial holds when a whole log has no such line.
    pub(crate) absence_counts: bool,
    /// The lines of the claim are those of the whole sentence.
    pub(crate) whole_sentence: bool,
    /// What makes two sentences the same claim; `None` drops the find.
    pub(crate) key: fn(&Found<'_>) -> Option<String>,
    /// The judge; `None` when there is nothing to say.
    pub(crate) judge: fn(&Case<'_>, &[Found<'_>]) -> Option<Judgement>,
}

fn one(_: &Found<'_>) -> Option<String> {
    Some(String::new())
}

pub(crate) const BASE: Rule = Rule {
    id: "",
    looks_for: "",
    meaning: "",
    shape: "",
    except: "",
    asserted_only: false,
    supposed_too: false,
    polarity: Polarity::Own,
    absence_counts: false,
    whole_sentence: false,
    key: one,
    judge: |_, _| None,
};

/// All rules: the rows of this file and those of plain facts.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().chain(crate::plain_rules::ROWS.iter())
}

/// The rows about waits, causes, sources, remedies and kinds of events.
static RULES: &[Rule] = &[
    Rule {
        id: "C01",
        looks_for: "a deadlock or a cycle of waits",
        meaning: "a deadlock is a cycle in the wait graph; a chain that ends at something that can run is none",
        shape: r"(?i)\b(?:(?:self-?|live)?dead-?lock(?:s|ed|ing)?|AB-?BA|circular (?:wait\w*|dependenc\w+|locking)|(?:lock(?:ing)?|wait) cycle|cyclic (?:wait\w*|dependenc\w+)|wait(?:s|ing)? (?:for|on) each other)\b",
        except: r"(?i)\b(?:no|not|never|nor|isn't|is not|rather than|without|instead of|rules? out|other than)\b[^.;]{0,30}\b(?:dead-?lock|circular|cycle)",
        judge: waits::deadlock,
        ..BASE
    },
    Rule {
        id: "C02",
        looks_for: "the statement that there is no deadlock",
        meaning: "holds when the graph is complete and has no cycle",
        shape: r"(?i)\b(?:no|not|never|nor|isn't|rather than|rules? out|instead of)\b[^.;]{0,30}\b(?:dead-?lock|circular (?:wait|dependency)|cycle of waits)\b",
        judge: waits::no_deadlock,
        ..BASE
    },
    Rule {
        id: "C03",
        looks_for: "tasks blocked or CPUs stuck for so long, so many tasks",
        meaning: "hung-task, lockup and workqueue lines state both",
        shape: r"(?i)(?:\b(?P<count>\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|multiple|several|many|dozens of|hundreds of)\s+(?:[\w-]+\s+){0,2}(?:tasks|processes|threads|workers)\s+(?:[\w-]+\s+){0,3}?)?\b(?:blocked|hung|stuck|hang(?:s|ing)?|stalled)\s*\(?(?:waiting )?(?:for|after)?\s*(?P<least>more than|over|>|at least|longer than|exceeding|upwards of)?(?P<about>about|around|roughly|some|almost|nearly|approx\.|approximately|~|\u{2248})?\s*(?P<seconds>\d{1,6}(?:[.,]\d{1,3})?|one|an?|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty)\s*\+?[ -]?(?P<unit>s|secs?|seconds?|min(?:ute)?s?|hours?)\b|\bstall\w*\s+(?:lasted|took|went on)\s+(?:for\s+)?(?P<about2>about|around|roughly|~)?\s*(?P<seconds2>\d{1,6}(?:[.,]\d{1,3})?)\s*(?P<unit2>s|secs?|seconds?|min(?:ute)?s?|hours?)\b|\block-?up\b[^.;]{0,25}?\b(?P<seconds3>\d{1,6}(?:[.,]\d{1,3})?)\s*(?P<unit3>s|secs?|seconds?|min(?:ute)?s?)\b|\b(?P<only>\d{1,4}|two|three|four|five|six|seven|eight|nine|ten|multiple|several|many)\s+(?:[\w-]+\s+){0,2}(?:tasks|processes|threads)\s+(?:that |which |who )?(?:are|were|get|got|have been)?\s*(?:hung|blocked|stuck)\b",
        polarity: Polarity::Drop,
        key: |f| {
            Some(format!(
                "{:?} {:?} {:?}",
                f.any("seconds"),
                f.any("unit"),
                f.group("count").or(f.group("only"))
            ))
        },
        judge: log::durations,
        ..BASE
    },
    Rule {
        id: "C04",
        looks_for: "a storm of interrupts",
        meaning: "a storm is a share of CPU time: R24 rows, R42 rows; R47 lines are nanoseconds per handler",
        shape: r"(?i)\b(?:(?:perf|NMI|hard|soft|timer|device|network|PMI|PMU)[ -]?)*(?:(?:interrupt|irq|softirq|NMI)s?)[ -](?:storm\w*|flood\w*|load)\b",
        except: r"(?i)\b(?:no|not|without)\b[^.;]{0,20}(?:storm|flood)",
        whole_sentence: true,
        judge: log::storm,
        ..BASE
    },
    Rule {
        id: "C05",
        looks_for: "figures in milliseconds for what the kernel prints in nanoseconds",
        meaning: "perf: interrupt took too long (A > B): both are nanoseconds",
        shape: r"(?i)interrupt took too long[^.;]{0,60}?\b(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>ns|us|µs|ms|s)\b(?:\s*(?:to|-|and|>)\s*(?P<second>\d+(?:\.\d+)?)\s*(?:ns|us|µs|ms|s)\b)?",
        judge: log::perf_units,
        ..BASE
    },
    Rule {
        id: "C06",
        looks_for: "CPUs that do not pass quiescent states",
        meaning: "a stall report lists the holdouts: CPUs, or tasks that are readers",
        shape: r"(?i)\bCPUs?\b[^.;]{0,60}\b(?:quiescent|QS(?:es)?)\b|\bquiescent[ -]states?\b[^.;]{0,40}\b(?:CPUs?)\b|\bCPU (?:holdout|is holding up|blocks? the grace)",
        except: r"(?i)\b(?:no CPU|not a CPU|until the CPU)\b",
        judge: waits::cpu_holdout,
        ..BASE
    },
    Rule {
        id: "C07",
        looks_for: "a task that holds up the grace period",
        meaning: "a stall report lists task readers as P<pid>",
        shape: r"(?i)\b(?:pid|PID|P)[ :=]?(?P<pid>\d{1,7})\)?[^.;]{0,60}\b(?:block\w*|hold\w* up|prevent\w*|stall\w*|delay\w*)\b[^.;]{0,30}\b(?:grace[ -]period|RCU|GP)\b",
        key: |f| f.group("pid").map(str::to_owned),
        judge: waits::task_holdout,
        ..BASE
    },
    Rule {
        id: "C08",
        supposed_too: true,
        looks_for: "a commit named as the cause",
        meaning: "a culprit needs a bisection or a test of its parent; plausibility names nobody",
        shape: r"(?i)\b(?:introduc\w+|caus\w+|culprit|regress\w+|broke\w*|break(?:s|ing)|to blame|first bad|due to|responsible|triggerable|bad commit|Fixes)\b",
        whole_sentence: false,
        key: source::commit_near,
        judge: source::culprit,
        ..BASE
    },
    Rule {
        id: "C09",
        supposed_too: true,
        looks_for: "earlier kernels coped, so the change is at fault",
        meaning: "an argument that holds for the new chain as well separates nothing",
        shape: r"(?i)\b(?:previously|formerly|earlier|older|used to|in the past|pre-existing|before (?:this|that|the) (?:commit|change|patch))\b.*\b(?:tolerabl\w*|tolerat\w*|cop(?:ed?|ing)|harmless|would (?:have )?(?:eventually )?(?:complet\w+|finish\w*|recover\w*|resolv\w*|succeed\w*|make progress)|survived?|worked fine|(?:work|run|handled?) (?:this |it |that )?fine)\b",
        whole_sentence: true,
        judge: waits::earlier_coped,
        ..BASE
    },
    Rule {
        id: "C10",
        looks_for: "something lasts forever",
        meaning: "one snapshot cannot tell slow from never; two with the same grace period or task can",
        shape: r"(?i)\b(?:indefinite(?:ly)?|forever|permanent(?:ly)?|never (?:complet\w+|return\w*|finish\w*|wak\w+|releas\w+|ends?|exits?|makes? progress)|infinite(?:ly)?|endless(?:ly)?)\b",
        judge: waits::forever,
        ..BASE
    },
    Rule {
        id: "C11",
        looks_for: "which SRCU domain the workers serve",
        meaning: "one domain never runs its work twice in parallel: two workers are two domains",
        shape: r"\bSRCU (?:grace[ -]period )?(?:workers?|workqueue|processing)\b|\bSRCU grace period\b|\bprocess_srcu\b",
        judge: waits::srcu_domains,
        ..BASE
    },
    Rule {
        id: "C12",
        supposed_too: true,
        looks_for: "lines of source code",
        meaning: "a line number must lie where its function lies; symbolised frames can be compared",
        shape: r"\bline (?P<line>\d{1,6})\b|\b(?P<file>(?:[\w.+-]+/)+[\w.+-]+\.(?:c|h|S|rs)):(?P<at>\d{1,6})\b",
        whole_sentence: true,
        key: source::place_key,
        judge: source::places,
        ..BASE
    },
    Rule {
        id: "C13",
        looks_for: "which releases are affected",
        meaning: "only a run on such a release shows it",
        shape: r"(?i)\b(?:kernels?|versions?|releases?|v?\d+\.\d+(?:\.[\w-]+)?)\b.{0,100}?\b(?:(?:are|is|were|was) (?:not |un)?(?:affected|vulnerable)|unaffected|(?:do|does|did) not (?:have|show|exhibit)|immune|affects? (?:all|only|every|v?\d))",
        except: r"(?i)\b(?:tainted|not tainted)\b",
        judge: source::releases,
        ..BASE
    },
    Rule {
        id: "C14",
        supposed_too: true,
        looks_for: "no earlier report, no fix, no discussion",
        meaning: "a search that found nothing is worth its query",
        shape: r"(?i)\bno (?:known |existing |specific |such |upstream |published |prior |previous |earlier |similar |other |matching |duplicate )*(?:fix(?:es)?|patch(?:es)?|(?:bug )?reports?|discussions?|duplicates?)\b|\b(?:has|have) (?:not|never) been (?:previously )?(?:reported|fixed|discussed)|\bnot (?:previously|yet|been) reported\b|\bfirst (?:ever )?report of\b",
        except: r"(?i)\b(?:no|without) (?:fix|patch|report)(?:es|s)? (?:is|are) needed\b",
        judge: source::no_prior_report,
        ..BASE
    },
    Rule {
        id: "C15",
        supposed_too: true,
        looks_for: "links that lead nowhere",
        meaning: "archives replace addresses, and Message-IDs with them",
        shape: r"(?i)https?://\S*?(?:\[?email.protected\]?|\[redacted\]|\[removed\]|\[masked\]|<message-?id>|\[message-?id\]|x{4,}|\.\.\.(?:/|$)|…)\S*",
        judge: source::masked_links,
        ..BASE
    },
    Rule {
        id: "C16",
        supposed_too: true,
        looks_for: "a boot option, sysctl or setting as a remedy",
        meaning: "each treats one condition, which the log shows or does not",
        shape: advice::OPTIONS_SHAPE,
        key: |f| f.group("option").map(|o| o.trim_start_matches("CONFIG_").to_ascii_lowercase()),
        whole_sentence: true,
        judge: advice::option,
        ..BASE
    },
    Rule {
        id: "C17",
        supposed_too: true,
        looks_for: "a revert as a remedy",
        meaning: "reverting what only lengthens a chain hides the cause",
        shape: r"(?i)\brevert(?:s|ing|ed)?\b",
        whole_sentence: true,
        judge: advice::revert,
        ..BASE
    },
    Rule {
        id: "C18",
        polarity: Polarity::Flip,
        absence_counts: true,
        looks_for: "memory ran out",
        meaning: "R71 is the killer; R17 is boilerplate, R72 an echo, R70 has to be read by zone",
        shape: r"(?i)\b(?:out[- ]of[- ]memory|OOM(?:[- ]kill\w*)?|(?:ran|run(?:s|ning)?) out of memory|memory (?:(?:was|is|gets|got) )?(?:exhaust\w+|shortage|pressure|starvation)|insufficient memory)\b",
        asserted_only: true,
        judge: log::out_of_memory,
        ..BASE
    },
    Rule {
        id: "C19",
        polarity: Polarity::Flip,
        looks_for: "interrupts are disabled",
        meaning: "saved flags, R03's fourth flag, R41 and R60 tell",
        shape: r"(?i)\b(?:interrupts?|irqs?)\s+(?:(?:are|is|were|was|being|left|kept|still|not|never)\s+)*(?:disabled|off|masked)\b|\b(?:disabl(?:es|ed|ing)|masks?) (?:local |hard )?(?:interrupts|irqs)\b|\birqs?[- ](?:off|disabled)\b",
        judge: log::interrupts_off,
        ..BASE
    },
    Rule {
        id: "C20",
        looks_for: "jiffies or the clock are wrong",
        meaning: "two stamps and two jiffies counts give the rate",
        shape: r"(?i)\bjiffies\b[^.;]{0,40}\b(?:wrong|incorrect|corrupt\w*|stop\w*|jump\w*|stuck|broken|wrap\w*|overflow\w*)\b|\b(?:wrong|incorrect|broken|corrupt\w*) jiffies\b|\b(?:clock|clocksource|timekeeping|timer)\b[^.;]{0,20}\b(?:jump\w*|skew\w*|went back\w*|broken|stopped)\b",
        except: r"(?i)\b(?:not|n't|never)\b[^.;]{0,15}\b(?:wrong|stop|jump|broken)",
        judge: log::clock,
        ..BASE
    },
    Rule {
        id: "C21",
        looks_for: "a program died or dumped core",
        meaning: "the kernel prints a line for it",
        shape: r"(?i)\bcore[- ]?dump\w*\b|\b(?:died|was killed|got killed|gets killed|segfaulted|is killed)\b",
        except: r"(?i)\b(?:vmcore|crash ?dump|kdump|enable|collect|capture|analy[sz]e)\b",
        asserted_only: true,
        judge: log::death,
        ..BASE
    },
    Rule {
        id: "C22",
        looks_for: "a race",
        meaning: "KCSAN names both sides; without it two stacks at the same object are the least",
        shape: r"(?i)\b(?:data )?(?:races?|race conditions?|racy|racing|TOCTOU|TOUTOC)\b",
        except: r"(?i)\b(?:no|not a|without a?) (?:data )?race",
        judge: faults::race,
        ..BASE
    },
    Rule {
        id: "C23",
        looks_for: "an RCU reader section was violated or leaked",
        meaning: "R26, R19 and R46 show the symptom; the code that does it must hold an unpaired lock",
        shape: r"(?i)\brcu\b[^.;]{0,60}\b(?:violat\w*|leak\w*|unbalanced|missing (?:rcu_read_)?unlock|not (?:released|unlocked))\b|(?i:\bleak(?:s|ed|ing)?\b[^.;]{0,24}\bRCU\b)",
        whole_sentence: true,
        judge: waits::reader_leak,
        ..BASE
    },
    Rule {
        id: "C24",
        looks_for: "the kind of memory fault",
        meaning: "KASAN, KFENCE, KMSAN, kmemleak, the faulting address and poison tell it",
        shape: r"(?i)\b(?P<kind>use[- ]after[- ]free|UAF|double[- ]free|out[- ]of[- ]bounds|OOB|(?:slab|heap|buffer|stack)[- ]overflow|null[- ](?:pointer|ptr)(?:[- ]deref\w*)?|NULL deref\w*|memory leak|leaks? memory|uninitiali[sz]ed (?:memory|value|variable)|list corruption|memory corruption|refcount\w* (?:leak|underflow|overflow|imbalance))\b",
        except: r"(?i)\b(?:no|not an?|without|rules? out) (?:\w+ )?(?:use[- ]after|double|out[- ]of|null|memory|list)",
        asserted_only: false,
        key: |f| f.group("kind").map(faults::kind_key),
        judge: faults::kind,
        ..BASE
    },
    Rule {
        id: "C25",
        polarity: Polarity::Flip,
        looks_for: "which CPU is at fault",
        meaning: "the detector is a witness; holdouts and lockups are named with their CPU",
        shape: r"(?i)\bCPU ?#?(?P<cpu>\d{1,4})\b[^.;,]{0,50}?\b(?:stuck|stall\w*|hung|hog\w*|spin\w*|locked up|monopoli\w*|not respond\w*|unresponsive|starv\w*|loop\w*|culprit|to blame|holdout)\b",
        except: r"(?i)\bdetected by\b|\bCPU ?#?\d+ (?:only |also |merely |itself |then |first )?(?:detect|notic|report|print|complain|observ)",
        key: |f| f.group("cpu").map(str::to_owned),
        judge: waits::cpu,
        ..BASE
    },
    Rule {
        id: "C26",
        looks_for: "a pid and its name or state",
        meaning: "headers of stacks and hung-task lines name both",
        shape: r"(?P<name>[A-Za-z(][\w./:()#+-]*)(?:\[| \((?:pid|PID)[ :=]*)(?P<pid>\d{1,7})[\])]",
        key: |f| f.group("pid").map(str::to_owned),
        judge: log::task_name,
        ..BASE
    },
    Rule {
        id: "C27",
        looks_for: "who holds a lock",
        meaning: "R32 and R33 name holders; a stack past the acquisition is an inference",
        shape: r"(?i)\b(?:holds?|holding|owns|has acquired|has taken)\b[^.;]{0,40}?\b(?P<lock>(?:\w+(?:->|\.))?\w*(?:mutex|rwsem|_sem|_lock|semaphore)\b)|\b(?P<lock2>(?:\w+(?:->|\.))?\w*(?:mutex|rwsem|_sem|_lock|semaphore))\b[^.;]{0,25}\b(?:is |was )?(?:held|owned) by\b",
        key: |f| f.group("lock").or(f.group("lock2")).map(str::to_ascii_lowercase),
        whole_sentence: true,
        judge: waits::holder,
        ..BASE
    },
    Rule {
        id: "C28",
        polarity: Polarity::Flip,
        absence_counts: true,
        looks_for: "a starved grace-period thread",
        meaning: "R13 is printed when it is",
        shape: r"(?i)\b(?:grace[ -]period|GP|rcu_(?:preempt|sched)) (?:k?thread|process|task)\b[^.;]{0,40}\bstarv\w*|\bstarv\w*[^.;]{0,40}\b(?:rcu_(?:preempt|sched)|grace[ -]period|GP) k?thread\b|\bkthread\b[^.;,]{0,24}\bstarv\w*\b",
        key: waits::starved_key,
        judge: waits::starved_thread,
        ..BASE
    },
    Rule {
        id: "C29",
        polarity: Polarity::Flip,
        absence_counts: true,
        looks_for: "failing hardware",
        meaning: "machine checks and device errors leave lines",
        shape: r"(?i)\b(?:hardware (?:fault|failure|problem|error|issue|defect)|faulty (?:hardware|RAM|memory|CPU|disk|drive)|bad (?:RAM|memory|DIMM|disk)|machine[- ]check|MCE|failing (?:disk|drive|SSD|DIMM))\b",
        judge: log::hardware,
        ..BASE
    },
    Rule {
        id: "C30",
        looks_for: "a real-time task that takes the CPU",
        meaning: "scheduling classes are not printed in stall reports",
        shape: r"(?i)\b(?:real-?time|RT|SCHED_(?:FIFO|RR|DEADLINE)|FIFO) (?:task|thread|process|priority)\w*\b[^.;]{0,60}\b(?:starv\w*|monopoli\w*|hog\w*|consum\w*|preempt\w*|prevent\w*|block\w*)",
        judge: log::real_time,
        ..BASE
    },
    Rule {
        id: "C31",
        looks_for: "the release of the kernel",
        meaning: "headers of stacks print it",
        shape: r"(?i)\b(?:on|kernel(?: version)?|running|Linux|version)(?: is)?[: ]+v?(?P<release>\d{1,2}\.\d{1,3}(?:\.\d{1,3})?(?:-[\w.+-]+)?)",
        except: r"(?i)\b(?:before|after|since|until|prior|earlier|later|older|newer|backport|stable|affected|from v|fixed in|introduced in)\b",
        key: |f| f.group("release").map(|r| r.trim_end_matches(['.', ',']).to_owned()),
        judge: log::release,
        ..BASE
    },
    Rule {
        id: "C32",
        supposed_too: true,
        looks_for: "a fix that works",
        meaning: "only a run shows it",
        shape: r"(?i)\b(?:this|the|attached|following|proposed|above|below) (?:patch|fix|change|diff)\b[^.;]{0,40}\b(?:fix(?:es|ed)|resolv\w+|eliminat\w+|prevent\w*|solv\w+|cures?|address(?:es)?|avoids?)\b",
        except: r"(?i)\brevert",
        judge: advice::fix_works,
        ..BASE
    },
    Rule {
        id: "C33",
        looks_for: "consequences for security or data",
        meaning: "impact has to be shown, not imagined",
        shape: r"(?i)\b(?P<impact>privilege escalation|(?:arbitrary|remote) code execution|RCE|exploitable|denial[- ]of[- ]service|data loss|silent data corruption|information (?:leak|disclosure)|security (?:vulnerability|issue|hole))\b",
        except: r"(?i)\b(?:no|not|without)\b[^.;]{0,20}\b(?:exploit|security|privilege|denial)",
        key: |f| f.group("impact").map(str::to_ascii_lowercase),
        judge: advice::impact,
        ..BASE
    },
    Rule {
        id: "C34",
        looks_for: "the function at fault",
        meaning: "frames of the detector and stale frames are never at fault; one sample shows a place, not guilt",
        shape: r"(?i)\b(?:bug|root cause|culprit|fault|problem|defect)\b[^.;]{0,30}?\b(?:is|lies|resides|sits|was)?\s*(?:in|inside|within|by)\s+(?:the\s+)?(?:function\s+)?(?P<function>[a-z_]\w*_\w+)\b",
        key: |f| f.group("function").map(str::to_owned),
        judge: faults::function,
        ..BASE
    },
    Rule {
        id: "C35",
        polarity: Polarity::Flip,
        absence_counts: true,
        looks_for: "a kind of event that the log has or lacks",
        meaning: "each kind has its own line",
        shape: r"(?i)\b(?P<event>soft[- ]lockups?|hard[- ]lockups?|workqueue[- ]lockups?|kernel panic(?:s|ked)?|(?:kernel|machine|system|box|host|server|node) (?:then |finally |eventually |also |later )?panick?(?:s|ed)\b|panicked|RCU (?:CPU )?stalls?|hung[- ]tasks?|(?:task|tasks|process|processes) hung|general protection faults?|sleep(?:s|ing)? (?:in|while|function (?:called )?(?:from|in)) (?:an? )?(?:atomic|invalid)|scheduling while atomic|page allocation failures?)\b",
        except: r"(?i)_panic|panic_on|timeout",
        asserted_only: true,
        key: log::event_of,
        judge: log::event,
        ..BASE
    },
    Rule {
        id: "C36",
        looks_for: "the order of a failed allocation",
        meaning: "the line of the failure prints it",
        shape: r"(?i)\border[- :=]{0,2}(?P<order>\d{1,2})\b",
        key: |f| f.group("order").map(str::to_owned),
        judge: log::order,
        ..BASE
    },
    Rule {
        id: "C39",
        looks_for: "the tick rate",
        meaning: "two reports of one grace period, or the scan rule, give HZ or a few candidates",
        shape: r"\bHZ\s?(?:=|is|of|:)\s?(?P<hz>\d{2,4})\b",
        key: |f| f.group("hz").map(str::to_owned),
        judge: details::hertz,
        ..BASE
    },
    Rule {
        id: "C40",
        looks_for: "the system call of the task",
        meaning: "registers at the entry hold number and arguments",
        shape: r"\b(?P<call>[a-z][a-z0-9_]*)(?:\(\))? (?:system call|syscall)\b|\b(?:system call|syscall) (?P<call2>[a-z][a-z0-9_]*)\(|\b(?P<call3>[a-z][a-z0-9_]*)\(2\)",
        key: |f| f.group("call").or(f.group("call2")).or(f.group("call3")).map(str::to_owned),
        judge: details::system_call,
        ..BASE
    },
    Rule {
        id: "C41",
        looks_for: "the state of the grace-period thread",
        meaning: "R14: the report prints ->state",
        shape: r"(?i)\bkthread(?:'s)?\b[^.;]{0,40}?\b(?P<state>TASK_(?:RUNNING|INTERRUPTIBLE|UNINTERRUPTIBLE|IDLE)|sleeping|asleep|runnable|0x[0-9a-f]{1,4})\b",
        judge: details::thread_state,
        ..BASE
    },
    Rule {
        id: "C42",
        looks_for: "a task that is to blame",
        meaning: "a task that waits is a victim; the end of a chain may be to blame",
        shape: r"(?P<who>[A-Za-z(][\w./:()#+-]*(?:\[\d+\]| \((?:pid|PID)[ :=]*\d+\))?) is (?:clearly |likely |probably )?(?:the )?(?:real |actual |main )?(?:culprit|root cause|guilty|to blame|at fault|offender)\b",
        key: |f| f.group("who").map(str::to_owned),
        judge: details::culprit_task,
        ..BASE
    },
    Rule {
        id: "C43",
        looks_for: "which event came first",
        meaning: "lines are in the order of printing",
        shape: r"(?i)\bfirst (?:event|anomaly|error|problem|failure|symptom|report|thing)\b[^.;]{0,30}\b(?:is|was)\b[^.;]{0,20}?(?P<event>soft[- ]lockup|hard[- ]lockup|workqueue[- ]lockup|kernel panic|RCU (?:CPU )?stall|hung[- ]task|general protection fault|page allocation failure)",
        key: |f| f.group("event").map(log::event_key),
        judge: details::first_event,
        ..BASE
    },
    Rule {
        id: "C44",
        looks_for: "the number of CPUs",
        meaning: "the boot log and stall reports print it",
        shape: r"(?i)\b(?:has|with|of)\s+(?P<cpus>\d{1,5})\s+(?:logical |online |possible )?(?:CPUs|cores)\b|\b(?P<cpus2>\d{1,5})-(?:CPU|core)\b",
        key: |f| f.group("cpus").or(f.group("cpus2")).map(str::to_owned),
        judge: details::cpu_count,
        ..BASE
    },
    Rule {
        id: "C45",
        looks_for: "who waits for what",
        meaning: "the stack of the task shows what it waits for",
        shape: r"(?P<who>[A-Za-z(][\w./:()#+-]*(?:\[\d+\]| \((?:pid|PID)[ :=]*\d+\))?)\s+(?:is |was |are |were )?(?:wait(?:s|ing)?|blocked|stuck)\s+(?:for|on)\s+(?:the |an? )?(?P<what>(?i:s?rcu grace[ -]period|grace[ -]period|s?rcu\b|i/o\b|disk\b)|[\w&>-]+(?:->|_)[\w>-]+)",
        key: |f| Some(format!("{} {}", f.group("who")?, f.group("what")?)),
        judge: details::waits_for,
        ..BASE
    },
];

impl Rule {
    /// Whether the shapes of the row can be compiled; a row that cannot is dead.
    pub fn compiles(&self) -> bool {
        regex::Regex::new(self.shape).is_ok()
            && (self.except.is_empty() || regex::Regex::new(self.except).is_ok())
    }
}
