import type { EpochMetrics } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { createProgress, sparkline } from './progress.ts'
import { createTerminal } from './terminal.ts'

describe('sparkline', () => {
  it('draws heights from nothing to the top, and gaps where there is no number', () => {
    expect(sparkline([0, 0.5, 1, null, 2], 1, 10)).toBe('▁▅█ █')
  })

  it('thins to the width and keeps the last value', () => {
    expect(sparkline([1, 1, 1, 0], 1, 2)).toBe('█▁')
  })
})

describe('createProgress', () => {
  it('writes plain lines without any control character to what is no terminal', () => {
    const { written, stream } = record(false)
    const progress = createProgress(createTerminal(stream, {}), 10, clock(0, 500))

    progress.show(metrics(1))
    progress.show(metrics(2))
    progress.end([metrics(1), metrics(2)])

    expect(written()).toBe(
      '  epoch 1/10  train loss 1.0000 accuracy 0.5000  val loss 2.0000 accuracy 0.2500  100 examples/s, ETA – s\n' +
        '  epoch 2/10  train loss 0.5000 accuracy 0.5000  val loss 1.0000 accuracy 0.2500  100 examples/s, ETA 4.0 s\n' +
        '  train loss ▅▃\n  val loss   █▅\n',
    )
  })

  it('draws over its own lines in a terminal, and gives the cursor back', () => {
    const { written, stream } = record(true)
    const progress = createProgress(createTerminal(stream, { NO_COLOR: '1' }), 10)

    progress.show(metrics(1))
    progress.show(metrics(2))
    progress.end()

    expect(written()).toContain('\x1b[5A\r  ━')
    expect(written().endsWith('\x1b[?25h')).toBe(true)
    expect(written()).not.toContain('\x1b[32m')
  })
})

function metrics(epoch: number): EpochMetrics {
  return {
    epoch,
    step: epoch,
    train_loss: 1 / epoch,
    train_penalty: 0,
    train_accuracy: 0.5,
    val_loss: 2 / epoch,
    val_accuracy: 0.25,
    learning_rate: 0.001,
    gradient_norm: null,
    examples_per_second: 100,
    duration_ms: 1,
  }
}

/** Gives the times one after the other, and then the last for ever. */
function clock(...times: number[]): () => number {
  return () => (times.length > 1 ? times.shift() : times[0]) ?? 0
}

function record(isTTY: boolean) {
  let text = ''
  const stream = {
    isTTY,
    columns: 100,
    write: (chunk: string) => {
      text += chunk
      return true
    },
  } as unknown as NodeJS.WriteStream
  return { written: () => text, stream }
}
