/**
 * The threads of one job. Each has an instance of this module on the job's memory; what differs from
 * thread to thread is in the globals below, which an instance keeps outside the memory. All run the
 * same code on their share and meet at barriers. Thread 0 leads: it alone talks to JavaScript.
 */
import { job, team } from './layout'

/** This thread among those of the job. */
export let threadIndex: i32 = 0
/** Threads of the work at hand. */
export let threadCount: i32 = 1
/** From the leader's scratch to this thread's, in bytes. */
export let scratchOffset: usize = 0

/** Behind a word that threads wait for: how many of them sleep, so that nobody is woken in vain. */
const SLEEPERS: usize = 4
/** Looks at a word before a thread goes to sleep, about 100 µs: waking a core that has gone idle takes longer. */
const SPINS: i32 = 100000
/** The low bits of a round's word are its number of threads. */
const COUNT_BITS: i32 = 8
const COUNT_MASK: i32 = (1 << COUNT_BITS) - 1

/** Calls as many threads as the record says, this one included, to the work in the record. */
export function callTeam(): void {
  threadCount = load<i32>(job.threads)
  if (threadCount == 1) return
  const last = atomic.load<i32>(team.round) >> COUNT_BITS
  change(team.round, ((last + 1) << COUNT_BITS) | threadCount)
}

/** Takes the next free place in the team. Returns the round at hand, which is not for this thread. */
export function joinTeam(): i32 {
  // Read before the leader can know of this thread: every later round may count on it.
  const round = atomic.load<i32>(team.round)
  threadIndex = atomic.add<i32>(team.joined, 1) + 1
  scratchOffset = <usize>threadIndex * <usize>load<i32>(job.scratchBytes)
  return round
}

/** Waits for a later round that this thread takes part in and returns it; 0 when the team is closed. */
export function awaitRound(round: i32): i32 {
  // Looked at after every reading of the round, which changes once more when the team is closed.
  if (atomic.load<i32>(team.closed)) return 0
  do {
    awaitChange(team.round, round)
    round = atomic.load<i32>(team.round)
    if (atomic.load<i32>(team.closed)) return 0
    threadCount = round & COUNT_MASK
  } while (threadIndex >= threadCount)
  return round
}

/**
 * Returns once every thread of the round has called it; what they wrote before is then visible. Traps
 * when the team is closed, as a thread that has died never comes.
 */
// @ts-ignore: decorator
@inline
export function barrier(): void {
  if (threadCount > 1) meet()
}

function meet(): void {
  const generation = atomic.load<i32>(team.generation)
  if (atomic.load<i32>(team.closed)) unreachable()
  if (atomic.add<i32>(team.arrived, 1) == threadCount - 1) {
    atomic.store<i32>(team.arrived, 0)
    change(team.generation, generation + 1)
  } else {
    awaitChange(team.generation, generation)
    if (atomic.load<i32>(team.closed)) unreachable()
  }
}

// @ts-ignore: decorator
@inline
export function isLeader(): bool {
  return threadIndex == 0
}

/**
 * First of n things that a thread takes, a multiple of `unit`; the next thread's first is where its
 * share ends. Sums must not depend on where the cuts are.
 */
// @ts-ignore: decorator
@inline
export function shareStart(n: i32, unit: i32, thread: i32): i32 {
  return thread == 0 ? 0 : thread == threadCount ? n : cut(n, unit, thread)
}

function cut(n: i32, unit: i32, thread: i32): i32 {
  return min(n, (((n + unit - 1) / unit) * thread / threadCount) * unit)
}

function change(word: usize, value: i32): void {
  atomic.store<i32>(word, value)
  if (atomic.load<i32>(word, SLEEPERS)) atomic.notify(word, -1)
}

function awaitChange(word: usize, value: i32): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (atomic.load<i32>(word) != value) return
  }
  atomic.add<i32>(word, 1, SLEEPERS)
  while (atomic.load<i32>(word) == value) atomic.wait<i32>(word, value, -1)
  atomic.sub<i32>(word, 1, SLEEPERS)
}
