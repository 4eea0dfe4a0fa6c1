import { createDatasetBodySchema, jobSpecSchema, predictBodySchema } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import type { z } from 'zod'
import { toFieldErrors, toPointer } from './field-errors.ts'

const faultsOf = (schema: z.ZodType, input: unknown) =>
  toFieldErrors(schema.safeParse(input).error?.issues ?? [], input, 'body').map(
    ({ pointer, detail }) => `${pointer} ${detail}`,
  )
const job = (spec: object) => faultsOf(jobSpecSchema, { dataset_id: 'ds_1', ...spec })

it('points into the form of a union that was meant', () => {
  expect(job({ model: { hidden: [{ units: 8, activaton: 'relu' }] } })).toEqual([
    '#/model/hidden/0/activaton is not a known field',
  ])
  expect(job({ training: { gradient_clip: { norm: -1 } } })).toEqual([
    '#/training/gradient_clip/norm must be more than 0, got -1',
  ])
  expect(job({ validation: { fraction: 2 } })).toEqual([
    '#/validation/fraction must be less than 1, got 2',
  ])
  expect(job({ training: { class_weight: { a: 'x' } } })).toEqual([
    '#/training/class_weight/a must be a number, got "x"',
  ])
  expect(faultsOf(createDatasetBodySchema, { builtin: { generator: 'xor', rows: 1 } })).toEqual([
    '#/builtin/rows must be at least 4, got 1',
  ])
  expect(faultsOf(predictBodySchema, { rows: [[1], 2] })).toEqual([
    '#/rows/1 must be an array of cells',
  ])
})

it('lists the forms when none was meant', () => {
  expect(job({ model: 5 })).toEqual(['#/model must be "auto" or an object, got 5'])
  expect(job({ training: { batch_size: 'half' } })).toEqual([
    '#/training/batch_size must be "full" or a number, got "half"',
  ])
})

it('says what is required, and of what kind the choice is', () => {
  expect(faultsOf(jobSpecSchema, {})).toEqual(['#/dataset_id is required'])
  expect(job({ training: { optimizer: {} } })[0]).toMatch(
    /^#\/training\/optimizer\/type is required: "sgd", "momentum"/,
  )
  expect(job({ validation: {}, training: { lr_schedule: { type: 'step' } } })).toEqual([
    '#/training/lr_schedule/every_epochs is required',
    '#/training/lr_schedule/factor is required',
  ])
})

it('names bounds of texts, lists and names', () => {
  expect(job({ name: 'x'.repeat(200) })).toEqual([
    '#/name must have at most 128 characters, got 200',
  ])
  expect(job({ name: 'a\nb' })).toEqual(['#/name must not hold control characters'])
  expect(job({ metadata: { ['k'.repeat(65)]: 'v' } })).toEqual([
    `#/metadata/${'k'.repeat(65)} the name must have at most 64 characters, got 65`,
  ])
  expect(faultsOf(predictBodySchema, { rows: [] })).toEqual(['#/rows must hold at least 1 item'])
})

it('escapes names as RFC 6901 and URIs ask', () => {
  expect(toPointer(['a/b', 'c~d', 'e f', 0])).toBe('#/a~1b/c~0d/e%20f/0')
})
