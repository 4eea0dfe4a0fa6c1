/** Trains a network with everything in it and prints the kernels' kind and the hash of the weights. */
import { createHash } from 'node:crypto'
import { createNetwork, train } from '../src/index.ts'
import { compileBuild, compileKernels } from '../src/wasm/load.ts'
import { makeConfig, makeData, makeOptions, OPTIMIZERS } from './fixtures.ts'

const { module, fused } = await compileKernels()
const forced = process.argv.includes('unfused') ? await compileBuild('unfused') : module

const hash = createHash('sha256')
const config = makeConfig({
  ...{ inputs: 20, hidden: [67, 33], outputs: 5, activation: 'gelu', loss: 'cross_entropy' },
  ...{ batchNorm: true, dropout: 0.2, inputDropout: 0.1, labelSmoothing: 0.05 },
})
const network = await createNetwork(config, { seed: 11n, module: forced })
const run = train(
  network,
  makeOptions(makeData(config, 300), {
    validation: makeData(config, 61, 2n),
    optimizer: OPTIMIZERS.adam,
    batchSize: 32,
    epochs: 12,
    regularization: { l1: 1e-5, l2: 1e-4 },
    gradientClip: { norm: 1 },
    classWeights: 'balanced',
  }),
)
for (const { trainLoss, validationLoss } of run) hash.update(`${trainLoss} ${validationLoss}`)
for (const layer of network.weights()) {
  for (const values of Object.values(layer)) hash.update(values)
}
console.log(JSON.stringify({ fused, sha256: hash.digest('hex') }))
