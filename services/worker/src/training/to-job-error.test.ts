import { jobErrorSchema } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { DomainError } from '@trainyard/domain'
import { describe, expect, it } from 'vitest'
import { makeResolvedConfig } from '../../../../test/support/factories.ts'
import { toDivergedError, toFailedError } from './to-job-error.ts'

describe('a failed job', () => {
  it.each([
    [
      'data that cannot be used',
      new DataError([{ detail: 'Column "a" is empty' }]),
      'invalid_data',
    ],
    ['an array too large', new RangeError('Array buffer allocation failed'), 'out_of_memory'],
    [
      'a thread out of memory',
      Object.assign(new Error('Worker terminated'), { code: 'ERR_WORKER_OUT_OF_MEMORY' }),
      'out_of_memory',
    ],
    ['a damaged blob', new DomainError('internal'), 'internal'],
    ['a bug', new TypeError('x is not a function'), 'internal'],
    ['something that is no error', 'thrown text', 'internal'],
  ])('says of %s what a caller can use', (_, error, code) => {
    const jobError = jobErrorSchema.parse(toFailedError(error))

    expect(jobError.code).toBe(code)
  })

  it('hands on what helps against a fault of the data', () => {
    const fault = { detail: '"g" has 1 group', remedy: 'Use another column.' }

    expect(toFailedError(new DataError([fault]))).toMatchObject({
      message: fault.detail,
      hint: fault.remedy,
    })
  })

  it('gives the data’s fault in words and keeps our own to the log', () => {
    const data = toFailedError(new DataError([{ detail: 'Column "a" is empty' }]))
    const ours = toFailedError(new TypeError('password is not a function'))

    expect(data.message).toBe('Column "a" is empty')
    expect(JSON.stringify(ours)).not.toContain('password')
  })
})

describe('a diverged job', () => {
  it('says where, and suggests a tenth of its learning rate', () => {
    const at = { epoch: 3, batch: 17, layer: 1, row: null }

    const error = toDivergedError(at, makeResolvedConfig())

    expect(jobErrorSchema.parse(error)).toMatchObject({
      code: 'diverged',
      param: 'training.optimizer.learning_rate',
      at,
      message: expect.stringContaining('epoch 3, batch 17'),
      hint: expect.stringContaining('try 0.005'),
    })
  })
})
