/**
 * The objective of the compared searches, for programs in other languages: prints the parameters to be searched as a line
 * of JSON, then answers each line of values with the validation losses of its epochs, trained as the service would.
 * Usage: node test/bench/quality/train-trials.ts <epochs>
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TrialParams } from '@trainyard/contracts'
import { inputWidth, openTables } from '@trainyard/datasets'
import { resolveConfig } from '@trainyard/domain'
import { createNetwork, train } from '@trainyard/engine'
import { prepareTraining, toNetworkConfig, toTrainingOptions } from '@trainyard/model'
import { resolveSweep, toTrialSpecs } from '@trainyard/sweeps'
import { PARAMETERS, toBase } from './digits-search.ts'

const folder = await mkdtemp(join(tmpdir(), 'trainyard-trials-'))
const tables = await openTables({ folder })
const { parquetPath, columns, target, rows, task } = await tables.ingestGenerated({
  generator: 'digits',
})
const table = await tables.readTable(parquetPath, columns)
await tables.close()
await rm(folder, { recursive: true })

const base = { ...toBase(Number(process.argv[2] ?? 9)), dataset_id: 'ds_digits' }
const resolution = resolveSweep({ base, parameters: PARAMETERS }, { seed: 0 })
if ('faults' in resolution) throw new Error(JSON.stringify(resolution.faults))
const { sweep } = resolution

console.log(JSON.stringify(PARAMETERS))
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await trainTrial(JSON.parse(line))))
}

async function trainTrial(params: TrialParams): Promise<{ losses: number[]; diverged: boolean }> {
  const result = toTrialSpecs(sweep, params)
  if ('faults' in result) throw new Error(JSON.stringify(result.faults))
  const [spec] = result.specs
  if (spec === undefined) throw new Error('a trial without a training')
  const resolved = resolveConfig(spec, {
    dataset: { rows, columns, target, task },
    inputWidth: (preprocessing) => inputWidth(columns, preprocessing),
    initialModel: null,
    validationSet: null,
    testSet: null,
    drawSeed: () => 0,
  })
  const { training, validation } = prepareTraining({ table, columns, target, resolved })
  const network = await createNetwork(toNetworkConfig(resolved), { seed: BigInt(resolved.seed) })
  const epochs = train(network, { ...toTrainingOptions(resolved), training, validation })
  const losses: number[] = []
  for (;;) {
    const step = epochs.next()
    if (step.done) {
      network.dispose()
      return { losses, diverged: step.value.stopReason === 'diverged' }
    }
    losses.push(step.value.validationLoss ?? Number.NaN)
  }
}
