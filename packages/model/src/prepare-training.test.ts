import type { Column } from '@trainyard/contracts'
import { DataError, type Table } from '@trainyard/datasets'
import { describe, expect, it } from 'vitest'
import { prepareFolds, prepareTraining } from './prepare-training.ts'
import { makeResolved } from './resolved-config.fixture.ts'

const ROWS = 40

function column(name: string, levels: string[] | null, role: Column['role']): Column {
  return {
    name,
    type: 'number',
    role,
    missing: 0,
    min: null,
    max: null,
    mean: null,
    std: null,
    levels,
  }
}

function rowNumbers(): Float64Array<SharedArrayBuffer> {
  const values = new Float64Array(new SharedArrayBuffer(8 * ROWS))
  for (let row = 0; row < ROWS; row++) values[row] = row
  return values
}

function makeTable(): Table {
  const labels = new Float64Array(new SharedArrayBuffer(8 * ROWS))
  for (let row = 0; row < ROWS; row++) {
    labels[row] = row % 4 === 0 ? 10 : 9
  }
  return {
    rows: ROWS,
    columns: new Map([
      ['x', { type: 'number', values: rowNumbers() }],
      ['y', { type: 'number', values: labels }],
    ]),
  }
}

const COLUMNS = [column('x', null, 'feature'), column('y', ['10', '9'], 'target')]

function captureFault(work: () => unknown): DataError['faults'] {
  try {
    work()
  } catch (error) {
    if (error instanceof DataError) return error.faults
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('prepareTraining', () => {
  it('splits by class, fits on the training rows and encodes both parts alike', () => {
    const table = makeTable()
    const resolved = makeResolved({ inputs: 1, outputs: 1 })

    const prepared = prepareTraining({ table, columns: COLUMNS, target: 'y', resolved })

    const { training, validation, trainingRowIndices, validationRowIndices } = prepared
    const mean = trainingRowIndices.reduce((sum, row) => sum + row, 0) / 32
    const [transform] = prepared.preprocessing.columns
    expect([training.rows, validation?.rows]).toEqual([32, 8])
    // A quarter of the rows is the first class, "10"; index 0 of the targets.
    expect(validation?.targets.filter((label) => label === 0).length).toBe(2)
    expect(transform).toMatchObject({
      kind: 'numeric',
      log1p: false,
      indicator: false,
      center: mean,
    })
    const scale = transform?.kind === 'numeric' ? transform.scale : Number.NaN
    expect([...(validation?.inputs ?? [])]).toEqual(
      [...validationRowIndices].map((row) => Math.fround((row - mean) / scale)),
    )
    expect(prepared.architecture).toEqual({
      inputs: 1,
      hidden: [{ units: 16, activation: 'relu', batch_norm: false }],
      outputs: 1,
      output_activation: 'sigmoid',
      task: 'classification',
      classes: ['10', '9'],
      target: 'y',
    })
  })

  it('gives the same arrays for the same seed', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    const prepare = () =>
      prepareTraining({ table: makeTable(), columns: COLUMNS, target: 'y', resolved })

    expect(prepare()).toEqual(prepare())
  })

  it('trains on all rows without validation, and on a scaled target for regression', () => {
    const resolved = {
      ...makeResolved({ inputs: 1, outputs: 1, task: 'regression' }),
      validation: null,
    }

    const prepared = prepareTraining({
      table: makeTable(),
      columns: COLUMNS,
      target: 'y',
      resolved,
    })

    expect(prepared.validation).toBeNull()
    expect(prepared.training.rows).toBe(ROWS)
    // The target is 10 in a quarter of the rows and 9 else.
    expect(prepared.preprocessing.target).toEqual({ center: 9.25, scale: Math.sqrt(0.1875) })
    expect(prepared.training.targets[0]).toBeCloseTo(0.75 / Math.sqrt(0.1875), 6)
    expect(prepared.architecture.classes).toBeNull()
  })

  it('weighs rows by the column of that role, in both parts', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    const columns = [...COLUMNS, column('w', null, 'weight')]
    const table = makeTable()
    table.columns.set('w', { type: 'number', values: rowNumbers() })

    const prepared = prepareTraining({ table, columns, target: 'y', resolved })

    expect([...(prepared.training.weights ?? [])]).toEqual([...prepared.trainingRowIndices])
    expect([...(prepared.validation?.weights ?? [])]).toEqual([...prepared.validationRowIndices])
  })

  it('oversamples the training rows alone, after fitting on each of them once', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    const input = { table: makeTable(), columns: COLUMNS, target: 'y' }
    const training = { ...resolved.training, oversample: true }

    const plain = prepareTraining({ ...input, resolved })
    const repeated = prepareTraining({ ...input, resolved: { ...resolved, training } })

    // 8 rows of 10 and 24 of 9 train; three times 8 are 24.
    const labels = [...repeated.training.targets]
    expect([0, 1].map((label) => labels.filter((target) => target === label).length)).toEqual([
      24, 24,
    ])
    expect(new Set(repeated.training.inputs)).toEqual(new Set(plain.training.inputs))
    expect(repeated.validation).toEqual(plain.validation)
    expect(repeated.preprocessing).toEqual(plain.preprocessing)
    expect(repeated.trainingRowIndices).toEqual(plain.trainingRowIndices)
  })

  it('keeps rows of one group together', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    const validation = { fraction: 0.25, stratify: false, group_column: 'y' }

    const { trainingRowIndices, validationRowIndices } = prepareTraining({
      table: makeTable(),
      columns: COLUMNS,
      target: 'y',
      resolved: { ...resolved, validation },
    })

    // The smaller of the two groups, every fourth row, is exactly the share.
    expect([...validationRowIndices]).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36])
    expect(trainingRowIndices.length).toBe(30)
  })

  it('validates on another table, with what was fitted on all rows of its own', () => {
    const table = makeTable()
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    const shared = (values: number[]) => {
      const all = new Float64Array(new SharedArrayBuffer(8 * values.length))
      all.set(values)
      return { type: 'number' as const, values: all }
    }
    const validationTable: Table = {
      rows: 3,
      columns: new Map([
        ['more', shared([1, 2, 3])],
        ['y', shared([9, 10, 9])],
        ['x', shared([1e6, Number.NaN, -1e6])],
      ]),
    }
    const input = { table, columns: COLUMNS, target: 'y', validationTable }
    const validation = { dataset_id: 'ds_2', rows: 3 }

    const prepared = prepareTraining({ ...input, resolved: { ...resolved, validation } })
    const preprocessing = { ...resolved.preprocessing, missing: 'drop_row' as const }
    const complete = prepareTraining({
      ...input,
      resolved: { ...resolved, validation, preprocessing },
    })

    const mean = (ROWS - 1) / 2
    const scale = Math.sqrt((ROWS ** 2 - 1) / 12)
    expect(prepared.training.rows).toBe(ROWS)
    expect(prepared.preprocessing.columns).toMatchObject([{ center: mean, missing: mean }])
    expect([...(prepared.validation?.targets ?? [])]).toEqual([1, 0, 1])
    expect([...(prepared.validation?.inputs ?? [])]).toEqual(
      [(1e6 - mean) / scale, 0, (-1e6 - mean) / scale].map((value) => expect.closeTo(value, 1)),
    )
    expect([...complete.validationRowIndices]).toEqual([0, 2])
  })

  it('with drop_row trains and validates on complete rows alone, and refuses a table without one', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    const preprocessing = { ...resolved.preprocessing, missing: 'drop_row' as const }
    const prepare = (isMissing: (row: number) => boolean) => {
      const table = makeTable()
      const x = table.columns.get('x')
      if (x?.type !== 'number') throw new Error('x is a number')
      for (let row = 0; row < ROWS; row++) if (isMissing(row)) x.values[row] = Number.NaN
      const input = { table, columns: COLUMNS, target: 'y' }
      return prepareTraining({ ...input, resolved: { ...resolved, preprocessing } })
    }

    const { trainingRowIndices, validationRowIndices } = prepare((row) => row % 2 === 1)

    const used = [...trainingRowIndices, ...validationRowIndices].sort((a, b) => a - b)
    expect(used).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i))
    expect(() => prepare(() => true)).toThrow('none is left to train on')
  })
})

describe('prepareFolds', () => {
  it('fits each fold on its training rows alone, and keeps the shares of the classes', () => {
    const table = makeTable()
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    resolved.validation = { folds: 5, stratify: true, group_column: null }
    const input = { table, columns: COLUMNS, target: 'y', resolved }

    const folds = [...prepareFolds(input)]

    expect(folds.map(({ training, validation }) => [training.rows, validation?.rows])).toEqual(
      Array.from({ length: 5 }, () => [32, 8]),
    )
    for (const { preprocessing, trainingRowIndices, validation } of folds) {
      const mean = trainingRowIndices.reduce((sum, row) => sum + row, 0) / 32
      expect(preprocessing.columns[0]).toMatchObject({ center: mean })
      expect(validation?.targets.filter((label) => label === 0).length).toBe(2)
    }
    const validated = folds.flatMap(({ validationRowIndices }) => [...validationRowIndices])
    expect(new Set(validated).size).toBe(ROWS)
    expect(prepareTraining(input)).toMatchObject({ training: { rows: ROWS }, validation: null })
  })

  it('keeps rows of one group in one fold', () => {
    const table = makeTable()
    const groups = rowNumbers().map((row) => row % 7)
    const shared = new Float64Array(new SharedArrayBuffer(groups.byteLength))
    shared.set(groups)
    table.columns.set('g', { type: 'number', values: shared })
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    resolved.validation = { folds: 3, stratify: false, group_column: 'g' }

    const folds = [...prepareFolds({ table, columns: COLUMNS, target: 'y', resolved })]

    const groupsOf = folds.map(
      ({ validationRowIndices }) => new Set([...validationRowIndices].map((row) => row % 7)),
    )
    expect(groupsOf.reduce((sum, { size }) => sum + size, 0)).toBe(7)
    expect(new Set(groupsOf.flatMap((of) => [...of])).size).toBe(7)
  })

  it('says which groups are too few, how many they are and what helps, once the test rows are gone', () => {
    const table = makeTable()
    const groups = rowNumbers().map((row) => row % 4)
    const shared = new Float64Array(new SharedArrayBuffer(groups.byteLength))
    shared.set(groups)
    table.columns.set('g', { type: 'number', values: shared })
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    resolved.test = { fraction: 0.5, stratify: false, group_column: 'g' }
    resolved.validation = { folds: 3, stratify: false, group_column: 'g' }

    const [fault] = captureFault(() => [
      ...prepareFolds({ table, columns: COLUMNS, target: 'y', resolved }),
    ])

    expect(fault).toEqual({
      column: 'g',
      detail:
        '"g" has 2 groups in the 20 rows that are left to be shared out; at least 3 are needed',
      remedy: expect.stringContaining('Use fewer folds, a smaller test part'),
    })
  })
})
