import { createRandom } from '@trainyard/engine/random'
import { expect, it } from 'vitest'
import { createPredictor, type TrainedModel } from './create-predictor.ts'
import { encodedInputs } from './describe-signature.ts'
import { openModel } from './open-model.ts'

const INPUTS = 40
const HIDDEN = 30
const random = createRandom(1n, 'model')
const draw = (length: number, first: number) =>
  Float32Array.from({ length }, (_, i) => random.uniform(first + i) - 0.5)

const ARCHITECTURE = {
  inputs: INPUTS,
  hidden: [{ units: HIDDEN, activation: 'tanh', batch_norm: false }],
  outputs: 3,
  output_activation: 'softmax',
  task: 'classification',
  classes: ['a', 'b', 'c'],
  target: 'y',
} as const satisfies TrainedModel['architecture']

const MODEL: TrainedModel = {
  architecture: ARCHITECTURE,
  preprocessing: encodedInputs(ARCHITECTURE),
  layers: [
    { weight: draw(INPUTS * HIDDEN, 0), bias: draw(HIDDEN, 5000) },
    { weight: draw(HIDDEN * 3, 6000), bias: draw(3, 7000) },
  ],
}

it('an opened model predicts what the plain one does, each row the same alone and among others', async () => {
  const opened = await openModel(MODEL)
  const rows = Array.from({ length: 20 }, (_, row) => [...draw(INPUTS, 1e4 + row * INPUTS)])

  const plain = createPredictor(MODEL).predict({ rows }, ['label', 'logits'])
  const { predict } = createPredictor(opened)
  const together = predict({ rows }, ['label', 'logits'])
  const alone = rows.flatMap((row) => predict({ rows: [row] }, ['label', 'logits']))
  opened.close()

  expect(alone).toEqual(together)
  expect(new Set(together.map(({ label }) => label)).size).toBeGreaterThan(1)
  for (const [row, { label, logits = [] }] of together.entries()) {
    expect(label).toBe(plain[row]?.label)
    for (const [i, logit] of logits.entries()) {
      expect(logit).toBeCloseTo(plain[row]?.logits?.[i] ?? Number.NaN, 5)
    }
  }
})
