import type { Cell, PredictionItem } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { SERVED_CASES, type ServedCase } from '../../../../test/support/served-models.ts'
import { fileBytes } from '../file-bytes.fixture.ts'
import { moduleTypes, writeModule } from './write-module.ts'

type Predict = (
  input: Record<string, Cell> | Record<string, Cell>[],
) => PredictionItem | PredictionItem[]

describe('the module', () => {
  it.each(Object.entries(SERVED_CASES))('answers as the server: %s', async (_, given) => {
    const predict = await load(given)

    const answers = predict(given.records) as PredictionItem[]

    for (const [i, expected] of given.predictions.entries()) {
      const answer = answers[i] ?? {}
      expect(Object.keys(answer)).toEqual(Object.keys(expected))
      expect(answer.label).toBe(expected.label)
      expectClose(Object.values(answer.probabilities ?? {}), expected.probabilities ?? {})
      expectClose(answer.logits ?? [], expected.logits ?? [])
      if (expected.value !== undefined) expectClose([answer.value ?? 0], [expected.value])
    }
    expect(predict(given.records[0] ?? {})).toEqual(answers[0])
  })

  it('refuses what the server refuses, with the record and the column', async () => {
    const predict = await load(mixed())
    const [record = {}] = mixed().records

    expect(() => predict([record, { ...record, income: -2 }])).toThrow(
      'record 2: "income": log1p is defined above -1, not for -2',
    )
    expect(() => predict({ ...record, income: '5' })).toThrow('"income": must be a number or null')
    expect(() => predict({ ...record, since: '2024-02-30' })).toThrow('must be a date')
    const { income: _, ...rest } = record
    expect(() => predict(rest)).toThrow('"income": the column is missing from the record')
  })

  it('needs nothing from outside, and comments end where they should', () => {
    const text = fileBytes(writeModule(mixed().model)).toString()

    expect(text).not.toMatch(/^import |require\(/m)
    expect(text).toContain('"job_id":"job_*\\/"')
  })
})

it('types say which values a record takes and what comes out', () => {
  expect(moduleTypes(mixed().model)).toContain(
    'ModelRecord = { "income": number | null; "town \\"x\\"": string | number | boolean | null; "member": boolean | null; "size": string | number | boolean | null; "since": string | null }',
  )
  expect(moduleTypes(mixed().model)).toContain(
    'ModelPrediction = { label: "no" | "yes" | "__proto__"; probabilities: Record<"no" | "yes" | "__proto__", number> }',
  )
})

function mixed(): ServedCase {
  return SERVED_CASES['mixed columns and missing values'] as ServedCase
}

async function load({ model }: ServedCase): Promise<Predict> {
  const text = fileBytes(writeModule(model)).toString('base64')
  const module = await import(/* @vite-ignore */ `data:text/javascript;base64,${text}`)
  return module.predict
}

/** Within a millionth of the largest. */
function expectClose(found: readonly number[], expected: object): void {
  const wanted = Object.values(expected) as number[]
  const scale = Math.max(1e-3, ...wanted.map(Math.abs))
  expect(found).toHaveLength(wanted.length)
  for (const [i, value] of wanted.entries()) {
    expect(Math.abs((found[i] ?? Number.NaN) - value) / scale).toBeLessThan(1e-6)
  }
}
