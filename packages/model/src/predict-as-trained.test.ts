import { inputWidth, type Table } from '@trainyard/datasets'
import { createNetwork, train } from '@trainyard/engine'
import { forward } from '@trainyard/engine/inference'
import { createRandom } from '@trainyard/engine/random'
import { expect, it } from 'vitest'
import { createPredictor } from './create-predictor.ts'
import { describeMixed, MIXED_RULES, type MixedRow, makeMixedTable } from './mixed-table.fixture.ts'
import { toInferenceConfig, toNetworkConfig, toTrainingOptions } from './network-config.ts'
import { prepareTraining } from './prepare-training.ts'
import { makeResolved } from './resolved-config.fixture.ts'

const RECORDS = 1000

/** Drawn from the seed; one value in six is missing. */
function drawRows(count: number, seed: bigint, towns: readonly string[]): MixedRow[] {
  const random = createRandom(seed, 'records', 0)
  let word = 0
  const below = (n: number) => random.uint32(word++) % n
  const maybe = <Value>(value: Value) => (below(6) === 0 ? null : value)
  const two = (n: number) => `${n}`.padStart(2, '0')
  return Array.from({ length: count }, (_, row) => ({
    size: maybe(below(1e9) / 7 - 5e7),
    amount: maybe(below(1e9) / 1e4),
    flag: maybe(below(2) === 1),
    town: maybe(towns[below(towns.length)] ?? ''),
    grade: maybe(['low', 'middle', 'high'][below(3)] ?? ''),
    when: maybe(`${1900 + below(200)}-${two(1 + below(12))}-${two(1 + below(28))}`),
    y: row % 17,
  }))
}

it.each(['zero', 'other'] as const)(
  'a thousand records with missing and unseen values, %s for these, give the bits of the rows that validated',
  async (unseen_category) => {
    const table = makeMixedTable(drawRows(200, 1n, ['Bonn', 'Jena', 'Ulm']))
    const columns = describeMixed(table)
    const rows = drawRows(RECORDS, 2n, ['Bonn', 'Jena', 'Köln', 'Ulm', 'Wien'])
    const validationTable: Table = makeMixedTable(rows)
    const resolved = makeResolved({ inputs: 1, outputs: 1, task: 'regression', epochs: 2 })
    resolved.validation = { dataset_id: 'ds_2', rows: RECORDS }
    const rules = { unseen_category, missing_indicators: true, columns: MIXED_RULES }
    Object.assign(resolved.preprocessing, rules)
    resolved.model.inputs = inputWidth(columns, resolved.preprocessing)
    const input = { table, columns, target: 'y', resolved, validationTable }
    const { training, validation, preprocessing, architecture } = prepareTraining(input)
    const network = await createNetwork(toNetworkConfig(resolved), { seed: 1n })
    const run = train(network, { ...toTrainingOptions(resolved), training, validation })
    while (!run.next().done);
    const layers = network.weights('last')

    const trained = forward(
      toInferenceConfig(architecture),
      layers,
      validation?.inputs ?? new Float32Array(),
      RECORDS,
    )
    const predictor = createPredictor({ architecture, preprocessing, layers })
    const together = predictor.predict({ records: rows.map(toRecord) }, ['logits'])
    const alone = rows.map((row) => predictor.predict({ records: [toRecord(row)] }, ['logits'])[0])

    expect(new Set(trained).size).toBeGreaterThan(RECORDS / 2)
    expect(Float32Array.from(together, ({ logits }) => logits?.[0] ?? Number.NaN)).toEqual(trained)
    expect(alone).toEqual(together)
  },
)

/** As a caller writes it. */
function toRecord({ y: _, ...row }: MixedRow) {
  return row
}
