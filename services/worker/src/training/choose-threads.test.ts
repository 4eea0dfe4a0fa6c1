import { expect, it } from 'vitest'
import { chooseThreads } from './choose-threads.ts'

interface Machine {
  /** Threads that the job may use, and those that are there. */
  allowed?: number
  present?: number
  /** Milliseconds of a step on so many threads. */
  step(threads: number): number
}

it('begins alone, tries all it may use, and stays with them where they are faster', () => {
  const trainer = open({ allowed: 4, step: (threads) => 4 / threads })

  expect(trainer.train(10)).toEqual([1])
  expect(trainer.train(100)).toEqual([1, 4])
  expect(trainer.train(1000)).toEqual([4])
})

it.each([
  ['slower', 1.5],
  ['hardly faster', 0.98],
])('goes back to one thread where more are %s', (_, factor) => {
  const trainer = open({ step: (threads) => (threads === 1 ? 1 : factor) })

  expect(trainer.train(200)).toEqual([1, 2, 1])
  expect(trainer.train(2000)).toEqual([1])
})

it('does not even try with steps below 20 µs', () => {
  const trainer = open({ step: () => 0.01 })

  expect(trainer.train(1000)).toEqual([1])
})

it('judges by a few steps however long they take, and does not spend its time on that', () => {
  const trainer = open({ step: (threads) => 500 / threads })

  expect(trainer.train(5000)).toEqual([1, 2])
  trainer.train(600_000)

  const alone = trainer.steps.filter((threads) => threads === 1).length
  expect(alone / trainer.steps.length).toBeLessThan(0.02)
})

it('measures anew when other jobs come and go', () => {
  const machine = { allowed: 1, step: (threads: number) => 1 / threads }
  const trainer = open(machine)

  expect(trainer.train(500)).toEqual([1])
  machine.allowed = 3
  expect(trainer.train(500)).toEqual([1, 3])
  machine.allowed = 2
  expect(trainer.train(500)).toEqual([1, 2])
  machine.allowed = 1
  expect(trainer.train(500)).toEqual([1])
})

it('measures anew every five seconds, as the machine may be busier than it was', () => {
  const machine = { step: (threads: number) => 1 / threads }
  const trainer = open(machine)
  expect(trainer.train(4000)).toEqual([1, 2])

  machine.step = (threads) => threads

  expect(trainer.train(6000)).toEqual([2, 1, 2, 1])
})

it('does not judge threads that are not there yet', () => {
  const machine: Machine = { present: 1, step: (threads) => 2 / threads }
  const trainer = open(machine)
  trainer.train(1000)

  machine.present = 2

  expect(trainer.train(1000)).toEqual([2])
})

/** Trains on a clock of its own. `train` gives the numbers of threads that were chosen in so many milliseconds, without repetition. */
function open(machine: Machine) {
  let nowMs = 0
  const steps: number[] = []
  const choose = chooseThreads(
    () => machine.allowed ?? 2,
    () => nowMs,
  )
  return {
    steps,
    train(ms: number): number[] {
      const untilMs = nowMs + ms
      const first = steps.length
      while (nowMs < untilMs) {
        const present = machine.present ?? machine.allowed ?? 2
        const threads = choose(present)
        steps.push(threads)
        nowMs += machine.step(Math.min(threads, present))
      }
      return steps.slice(first).filter((threads, i, all) => threads !== all[i - 1])
    },
  }
}
