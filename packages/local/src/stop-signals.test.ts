import { afterEach, describe, expect, it } from 'vitest'
import { listenForStop } from './stop-signals.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

afterEach(() => {
  for (const signal of SIGNALS) process.removeAllListeners(signal)
})

describe('listenForStop', () => {
  it('takes signals within a second for one wish, and a later one for a second', () => {
    let nowMs = 0
    const wishes = listenForStop(() => nowMs)

    process.emit('SIGINT', 'SIGINT')
    nowMs = 900
    process.emit('SIGTERM', 'SIGTERM')

    expect(wishes.first.aborted).toBe(true)
    expect(wishes.second.aborted).toBe(false)
    nowMs = 1100
    process.emit('SIGINT', 'SIGINT')
    expect(wishes.second.aborted).toBe(true)
  })
})
