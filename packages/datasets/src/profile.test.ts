import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cell, DatasetWarning } from '@trainyard/contracts'
import { createRandom } from '@trainyard/engine/random'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  correlationRatio,
  countPairs,
  cramersV,
  pearson,
  rocArea,
  ruleFigure,
} from './association.ts'
import type { InlineRows } from './ingest-rows.ts'
import { openTables, type Tables } from './tables.ts'

let folder: string
let tables: Tables

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-profile-'))
  tables = await openTables({ folder })
})

afterAll(async () => {
  await tables.close()
  await rm(folder, { recursive: true })
})

/** A table of `rows` rows with a cell function per column; `noise(i, k)` is uniform in [0, 1). */
function makeRows(
  rows: number,
  cells: Record<string, (row: number, noise: (k: number) => number) => Cell>,
): InlineRows {
  const random = createRandom(5n, 'profile')
  const makers = Object.values(cells)
  return {
    columns: Object.keys(cells),
    rows: Array.from({ length: rows }, (_, row) =>
      makers.map((make) => make(row, (k) => random.uniform(row * 16 + k))),
    ),
    target: 'y',
  }
}

const clean = {
  a: (_: number, noise: (k: number) => number) => noise(0),
  b: (_: number, noise: (k: number) => number) => 3 * noise(1) - 1,
  kind: (_: number, noise: (k: number) => number) => 'pqr'[Math.floor(3 * noise(2))] ?? '',
  y: (row: number) => (row % 2 === 0 ? 'no' : 'yes'),
}

const warningsOf = async (
  cells: Parameters<typeof makeRows>[1],
  rows = 200,
): Promise<DatasetWarning[]> => (await tables.ingestRows(makeRows(rows, cells))).warnings

describe('figures', () => {
  it('gives distinct values, quantiles, histogram, levels and classes of a small table', async () => {
    const ingested = await tables.ingestRows({
      columns: ['x', 'flag', 'colour', 'y'],
      rows: [
        [1, true, 'red', 'no'],
        [2, true, 'blue', 'no'],
        [3, false, 'red', 'yes'],
        [4, null, null, 'yes'],
        [null, true, 'red', 'yes'],
      ],
      target: 'y',
    })

    const { columns, classes, rows_examined } = ingested.profile
    expect(rows_examined).toBe(5)
    expect(columns[0]).toMatchObject({
      missing: 1,
      missing_share: 0.2,
      distinct: 4,
      is_whole: true,
      quantiles: { p05: 1.15, p25: 1.75, p50: 2.5, p75: 3.25, p95: expect.closeTo(3.85, 12) },
      histogram: {
        from: 1,
        to: 4,
        counts: [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1],
      },
      // Class means 1.5 and 3.5 about 2.5: 4 of the 5 squares lie between the classes.
      association: { measure: 'correlation_ratio', value: expect.closeTo(Math.sqrt(0.8), 12) },
      predicts_alone: { measure: 'auc', value: 1 },
    })
    expect(columns[1]).toMatchObject({
      distinct: 2,
      top_levels: [
        { level: 'true', count: 3 },
        { level: 'false', count: 1 },
      ],
    })
    expect(columns[2]?.top_levels).toEqual([
      { level: 'red', count: 3 },
      { level: 'blue', count: 1 },
    ])
    expect(classes).toEqual([
      { name: 'no', count: 2, share: 0.4 },
      { name: 'yes', count: 3, share: 0.6 },
    ])
  })

  it('correlates numbers: 0.8 for ranks with two neighbours swapped, −1 reversed, null for a constant', () => {
    const up = Float64Array.of(1, 2, 3, 4, Number.NaN)

    expect(pearson(up, Float64Array.of(2, 1, 3, 4, 9))).toBeCloseTo(0.8, 12)
    expect(pearson(up, Float64Array.of(4, 3, 2, 1, 9))).toBeCloseTo(-1, 12)
    expect(pearson(up, Float64Array.of(1, 1, 1, 1, 1))).toBeNull()
  })

  it('computes η, V, the rule and the ROC area as by hand', () => {
    const groups = Int32Array.of(0, 0, 0, 1, 1, 1)
    const classes = Int32Array.of(0, 0, 1, 1, 1, 0)

    // Group means 2 and 5 about 3.5: between 6·1.5² = 13.5 of a total of 17.5.
    expect(correlationRatio(Float64Array.of(1, 2, 3, 4, 5, 6), groups, 2)).toBeCloseTo(
      Math.sqrt(13.5 / 17.5),
      12,
    )
    // A 2×2 table of 2 1 / 1 2: φ = (4 − 1) / 9.
    const pairs = countPairs(groups, 2, classes, 2)
    expect(cramersV(pairs)).toBeCloseTo(1 / 3, 12)
    // Without itself no row's class is ahead in its group: all six are wrong, where guessing errs three times.
    expect(ruleFigure(pairs)).toBe(-1)
    // Class 1 has 3, 4, 5 and class 0 has 1, 2, 4: of nine pairs 7 won and one tied.
    const numbers = Float64Array.of(1, 2, 3, 4, 5, 4)
    expect(rocArea(numbers, numbers.slice().sort(), classes)).toBeCloseTo(7.5 / 9, 12)
  })

  it('counts copies, rows that contradict each other, and expected twins across the split', async () => {
    const { profile } = await tables.ingestRows({
      columns: ['a', 'b', 'y'],
      rows: [
        [1, 'p', 0],
        [1, 'p', 0],
        [1, 'p', 1],
        [2, 'p', 0],
        [2, 'q', 0],
        [null, 'q', 1],
        [null, 'q', 1],
      ],
      target: 'y',
    })

    expect(profile.duplicates).toEqual({
      rows: 2,
      conflicting_rows: 3,
      // Groups of 3, 1, 1 and 2 rows: (3·(1 − 0.2²) + 2·(1 − 0.2)) / 7.
      validation_overlap: expect.closeTo((3 * 0.96 + 2 * 0.8) / 7, 12),
    })
  })

  it('counts copies of a folded table too', async () => {
    const names = Array.from({ length: 1100 }, (_, i) => `x${i}`)
    const row = (last: number) => [
      ...names.map((_, i) => (i === 1099 ? last : i)),
      last > 1 ? 1 : 0,
    ]

    const { profile } = await tables.ingestRows({
      columns: [...names, 'y'],
      rows: [row(1), row(2), row(1), row(3)],
      target: 'y',
    })

    expect(profile.duplicates).toMatchObject({ rows: 1, conflicting_rows: 0 })
    expect(profile.columns[1099]).toMatchObject({ distinct: 3, predicts_alone: { value: 1 } })
  }, 30_000)

  it.each([900, 33_000])(
    'counts equal rows among %i, where they are examined all and where not, as a hand would',
    async (rows) => {
      const cells = Array.from({ length: rows }, (_, i): Cell[] => [
        i % 5 === 0 ? null : ([0.1, -0, 0, 1e300, 7][i % 7] ?? i % (rows / 3)),
        ['p', 'q', null][i % 11] ?? 'r',
        i % 13 < 6,
        i % 97 === 0 ? 'yes' : 'no',
      ])
      const groups = Map.groupBy(cells, ([a, b, c]) => `${a} ${b} ${c}`)
      const copies = rows - new Set(cells.map((row) => row.map(String).join(' '))).size
      const conflicting = [...groups.values()].filter(
        (group) => new Set(group.map(([, , , y]) => y)).size > 1,
      )
      const overlap = [...groups.values()].reduce(
        (sum, { length: n }) => sum + n * (1 - 0.2 ** (n - 1)),
        0,
      )

      const { profile } = await tables.ingestRows({ columns: ['a', 'b', 'c', 'y'], rows: cells })

      expect(profile.duplicates.rows).toBe(copies)
      expect(profile.duplicates.conflicting_rows).toBe(conflicting.flat().length)
      expect(profile.duplicates.validation_overlap).toBeCloseTo(overlap / rows, 12)
    },
  )

  it('counts equal rows of more than a quarter million in passes', async () => {
    const [rows, kinds] = [300_000, 120_001]
    const lines = Array.from({ length: rows }, (_, i) => `${i % kinds},${i % 2 === 0 ? 'p' : 'q'}`)
    const path = join(folder, 'long.csv')
    await writeFile(path, `a,y\n${lines.join('\n')}\n`)

    const { profile } = await tables.ingestFile(path)

    // Two rows of a kind lie an odd number apart, so that their labels differ; a third one is the first again.
    const thirds = rows - 2 * kinds
    expect(profile.duplicates.rows).toBe(thirds)
    expect(profile.duplicates.conflicting_rows).toBe(rows)
    const twins = 2 * (kinds - thirds) * (1 - 0.2) + 3 * thirds * (1 - 0.2 ** 2)
    expect(profile.duplicates.validation_overlap).toBeCloseTo(twins / rows, 9)
    expect((await readdir(folder)).filter((name) => name.endsWith('.hashes'))).toEqual([])
  })

  it('examines a choice of the rows of a long table, and asks all rows for what that suggests', async () => {
    // About every other row is examined, whatever repeats in the table; the odd one out is not.
    const odd = 4
    const rows = Array.from({ length: 40_000 }, (_, i) => {
      const group = i === odd ? 19 : i % 19
      return [i, i !== odd, 1000 * (i % 7), 100 * group, `site ${group}`, i % 2]
    })

    const { profile, warnings } = await tables.ingestRows({
      columns: ['id', 'flag', 'x', 'group', 'site', 'y'],
      rows,
      target: 'y',
    })

    expect(Math.abs(profile.rows_examined - 20_000)).toBeLessThan(600)
    for (const { share } of profile.classes ?? []) expect(share).toBeCloseTo(0.5, 1)
    expect(profile.columns.map(({ distinct }) => distinct)).toEqual([40_000, 2, 7, 20, 20, 2])
    expect(warnings.map(({ code }) => code)).toEqual(['id_like_column'])
  }, 30_000)
})

describe('warnings', () => {
  it('has none for a clean table', async () => {
    expect(await warningsOf(clean)).toEqual([])
  })

  it.each<
    [string, string | null, Parameters<typeof makeRows>[1], { value: number; threshold: number }]
  >([
    ['constant_column', 'c', { c: () => 4 }, { value: 1, threshold: 1 }],
    ['constant_column', 'c', { c: () => true }, { value: 1, threshold: 1 }],
    ['id_like_column', 'c', { c: (row) => 1000 + row }, { value: 1, threshold: 1 }],
    ['id_like_column', 'c', { c: (row) => `user ${row}` }, { value: 1, threshold: 1 }],
    [
      'looks_like_number',
      'c',
      { c: (_, noise) => `$${Math.floor(9 * noise(5))},000.5` },
      { value: 1, threshold: 1 },
    ],
    ['looks_like_number', 'c', { c: (row) => `1.${100 + row},5` }, { value: 1, threshold: 1 }],
    [
      'looks_like_number',
      'c',
      { c: (_, noise) => `${Math.floor(9 * noise(5))} %` },
      { value: 1, threshold: 1 },
    ],
    [
      'rounded_numbers',
      'c',
      { c: (_, noise) => 2 ** 53 + 2 * Math.floor(9 * noise(5)) },
      { value: 2 ** 53 + 16, threshold: 2 ** 53 },
    ],
    [
      'many_levels',
      'c',
      { c: (_, noise) => `v${Math.floor(80 * noise(5))}` },
      { value: 74, threshold: 64 },
    ],
    [
      'missing_values',
      'c',
      { c: (row, noise) => (row % 4 === 0 ? null : noise(5)) },
      { value: 0.25, threshold: 0.2 },
    ],
    [
      'leakage_suspect',
      'c',
      { c: (row, noise) => (row % 2) + noise(5) },
      { value: 1, threshold: 0.995 },
    ],
    [
      'leakage_suspect',
      'c',
      { c: (row) => (row % 2 === 0 ? 'left' : 'right') },
      { value: 1, threshold: 0.99 },
    ],
    [
      'scale_spread',
      null,
      { c: (_, noise) => 1e5 * noise(5) },
      { value: expect.closeTo(1e5, -5), threshold: 1000 },
    ],
    [
      'class_imbalance',
      null,
      { y: (row) => (row < 10 ? 'rare' : 'common') },
      { value: 19, threshold: 10 },
    ],
  ])('fires %s on %s', async (code, column, defect, evidence) => {
    const warnings = await warningsOf({ ...clean, ...defect, y: defect.y ?? clean.y })

    expect(warnings).toEqual([expect.objectContaining({ code, column, evidence })])
    expect(warnings[0]?.remedy).not.toBe('')
  })

  it('fires on copies, on contradictions and on twins across the split', async () => {
    const twice = (make: (row: number, noise: (k: number) => number) => Cell) => {
      const random = createRandom(9n, 'twice')
      return (row: number) => make(row >> 1, (k) => random.uniform((row >> 1) * 16 + k))
    }
    const features = { a: twice(clean.a), b: twice(clean.b) }

    const copies = await warningsOf({ ...features, y: (row) => (row % 4 < 2 ? 'no' : 'yes') })
    const contradictions = await warningsOf({ ...features, y: clean.y })

    expect(copies.map(({ code, evidence }) => [code, evidence?.value])).toEqual([
      ['duplicate_rows', 0.5],
      ['validation_overlap', expect.closeTo(0.8, 12)],
    ])
    expect(contradictions.map(({ code, evidence }) => [code, evidence?.value])).toEqual([
      ['conflicting_labels', 1],
      ['validation_overlap', expect.closeTo(0.8, 12)],
    ])
  })

  it('suspects a number of a regression that is the target in other words', async () => {
    const y = (_: number, noise: (k: number) => number) => noise(0) + noise(1)

    const warnings = await warningsOf({
      ...{ a: clean.a, b: clean.b },
      leak: (row, noise) => 32 + 1.8 * y(row, noise),
      y,
    })

    expect(warnings).toEqual([
      expect.objectContaining({
        code: 'leakage_suspect',
        column: 'leak',
        evidence: { value: expect.closeTo(1, 12), threshold: 0.999 },
      }),
    ])
  })

  it('says of a wide table fifty times the same at the most, and how often it left it out', async () => {
    const constants = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`c${i}`, () => i]))

    const warnings = await warningsOf({ ...constants, ...clean })

    expect(warnings).toHaveLength(50)
    expect(warnings[49]).toMatchObject({
      column: null,
      detail: 'The same holds for 11 more columns',
    })
  })

  it('proves nothing by fewer than twenty rows', async () => {
    expect(
      await warningsOf({ id: (row) => row, x: (row) => row % 2, y: (row) => row % 2 }, 19),
    ).toEqual([])
  })
})
