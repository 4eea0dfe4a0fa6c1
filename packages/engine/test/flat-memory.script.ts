/** Prints the process's memory after 1,000 and after 11,000 epochs of five batches. */
import { createNetwork, train } from '../src/index.ts'
import { makeConfig, makeData, makeOptions, OPTIMIZERS } from './fixtures.ts'

const config = makeConfig({
  ...{ inputs: 8, hidden: [16, 16], outputs: 3, activation: 'relu', loss: 'cross_entropy' },
  ...{ batchNorm: true, dropout: 0.1 },
})
const network = await createNetwork(config, { seed: 1n })
const changes = {
  optimizer: OPTIMIZERS.adam,
  batchSize: 10,
  epochs: 11_000,
  validation: makeData(config, 10, 2n),
}
const readings: NodeJS.MemoryUsage[] = []
for (const { epoch } of train(network, makeOptions(makeData(config, 50), changes))) {
  if (epoch !== 1000 && epoch !== 11_000) continue
  // Twice: the first frees what the second can then give back.
  globalThis.gc?.()
  globalThis.gc?.()
  readings.push(process.memoryUsage())
}
console.log(JSON.stringify(readings))
