import type { Architecture, Column, Preprocessing } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import { describeSignature, encodedInputs } from './describe-signature.ts'
import { makeExampleRecords } from './example-records.ts'

const ARCHITECTURE: Architecture = {
  inputs: 5,
  hidden: [],
  outputs: 1,
  output_activation: 'sigmoid',
  task: 'classification',
  classes: ['no', 'yes'],
  target: 'bought',
}
const PREPROCESSING: Preprocessing = {
  columns: [
    {
      ...{ kind: 'numeric', column: 'age', type: 'number', log1p: false, indicator: false },
      ...{ missing: 38.5, center: 38.5, scale: 10 },
    },
    {
      ...{ kind: 'one_hot', column: 'town', levels: ['a', 'b', 'c'], untrained: ['a'] },
      ...{ other: false, unseen: 'zero', missing: null, missing_error: true, indicator: false },
    },
    {
      ...{ kind: 'numeric', column: 'member', type: 'boolean', log1p: false, indicator: false },
      ...{ missing: 0, center: 0, scale: 1 },
    },
  ],
  target: null,
}
const COLUMNS = [{ name: 'age', min: 18, max: 90 }] as Column[]
const member = { architecture: ARCHITECTURE, preprocessing: PREPROCESSING, columns: COLUMNS }

it('names what goes in, with types, ranges, levels and whether it may be missing, and what comes out', () => {
  expect(describeSignature([member])).toEqual({
    inputs: [
      { name: 'age', type: 'number', required: false, min: 18, max: 90, levels: null },
      {
        ...{ name: 'town', type: 'category', required: true, min: null, max: null },
        levels: ['a', 'b', 'c'],
      },
      { name: 'member', type: 'boolean', required: false, min: null, max: null, levels: null },
    ],
    output: { name: 'bought', task: 'classification', classes: ['no', 'yes'] },
  })
})

it('of an ensemble knows the widest range and every level of its members', () => {
  const other = structuredClone(member)
  other.columns = [{ name: 'age', min: 20, max: 99 }] as Column[]
  const [, town] = other.preprocessing.columns
  if (town?.kind === 'one_hot') town.levels = ['b', 'd']

  const { inputs } = describeSignature([member, other])

  expect(inputs[0]).toMatchObject({ min: 18, max: 99 })
  expect(inputs[1]).toMatchObject({ levels: ['a', 'b', 'c', 'd'] })
})

it('counts the inputs of weights that came without preprocessing', () => {
  const { inputs } = describeSignature([{ ...member, preprocessing: null, columns: null }])

  expect(inputs.map(({ name, required }) => [name, required])).toEqual(
    [1, 2, 3, 4, 5].map((i) => [`input_${i}`, true]),
  )
})

it('makes records of usual values, of all levels, and one where all is missing that may be', () => {
  const signature = describeSignature([member])

  const records = makeExampleRecords(signature, PREPROCESSING, 4)
  const encoded = makeExampleRecords(
    describeSignature([{ ...member, preprocessing: null, columns: null }]),
    encodedInputs(ARCHITECTURE),
    1,
  )

  expect(records[0]).toEqual({ age: 38.5, town: 'c', member: false })
  expect(records.map(({ town }) => town)).toEqual(['c', 'b', 'c', 'b'])
  expect(records[3]).toEqual({ age: null, town: 'b', member: null })
  for (const { age } of records.slice(0, 3)) {
    expect(age).toBeGreaterThanOrEqual(18)
    expect(age).toBeLessThanOrEqual(90)
  }
  expect(encoded).toEqual([{ input_1: 0, input_2: 0, input_3: 0, input_4: 0, input_5: 0 }])
})
