/**
 * A search from coarse to fine over the learning rate and the layers of a network for digits, previewed before it runs.
 * Usage: npm start in one terminal, then `npx node examples/sweep/sweep.ts` in another.
 */
import { connect } from '../client.ts'

const { call } = await connect()

const dataset = await call('POST', '/v1/datasets', { builtin: { generator: 'digits' } })
const spec = {
  name: 'digits from coarse to fine',
  dataset_id: dataset.id,
  method: 'coarse_to_fine',
  seed: 7,
  base: { training: { epochs: 5, batch_size: 32 } },
  parameters: {
    'training.optimizer.learning_rate': { distribution: 'log_uniform', min: 1e-4, max: 1 },
    'model.hidden': { values: [[{ units: 16 }], [{ units: 64 }], [{ units: 64 }, { units: 32 }]] },
  },
  rounds: [{ trials: 12 }, { trials: 8, shrink: 0.3, top: 4 }],
}

const { total } = await call('POST', '/v1/sweeps/preview', spec)
console.log(`${total.trials} trials, about ${total.seconds.toFixed(1)} s of one thread`)

let sweep = await call('POST', '/v1/sweeps', spec)
while (!['succeeded', 'failed', 'cancelled'].includes(sweep.status)) {
  sweep = await call('GET', `/v1/sweeps/${sweep.id}?wait=10`)
}
if (sweep.status !== 'succeeded') throw new Error(sweep.error?.message ?? sweep.status)
for (const { round, ranges } of sweep.rounds) {
  for (const { explanation } of ranges) console.log(`round ${round}: ${explanation}`)
}
const { objective, trial_index, params } = sweep.best
console.log(`trial ${trial_index} is the best: validation loss ${objective.mean.toFixed(4)}`)
console.log(JSON.stringify(params))
const { parameters } = await call('GET', `/v1/sweeps/${sweep.id}/importance`)
for (const { parameter, share } of parameters) {
  console.log(`${parameter} explains ${(share * 100).toFixed(0)} % of what differs`)
}
const version = await call('POST', `/v1/sweeps/${sweep.id}/promote`, { name: 'digits' })
console.log(`registered as ${version.model} version ${version.version}`)
