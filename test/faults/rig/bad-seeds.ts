/** By the seed of a job `faulty.thread.ts` knows what it is to do. */
export const BAD_SEEDS = {
  throw: 9001,
  heap: 9002,
  exit: 9003,
  kill: 9004,
  spin: 9005,
  greed: 9006,
} as const
