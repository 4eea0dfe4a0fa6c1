import { createHash } from 'node:crypto'
import { ENGINE_VERSION } from '@trainyard/engine'
import { expect, it } from 'vitest'
import { makeResolvedConfig } from '../../../../test/support/factories.ts'
import { makeManifest } from './make-manifest.ts'

const dataset = {
  sha256: 'd'.repeat(64),
  rows: 4,
  columns: [],
  target: 'y',
  task: 'classification',
} as const
const job = { resolvedConfig: makeResolvedConfig(), dataset: { ...dataset, columns: [] } }

it('hashes what decides the bits, as anybody can do again', () => {
  const { sha256, ...facts } = makeManifest(job, true)

  const { config_sha256, dataset_sha256, engine_version, fused, seed } = facts
  const sorted = JSON.stringify({ config_sha256, dataset_sha256, engine_version, fused, seed })
  expect(sha256).toBe(createHash('sha256').update(sorted).digest('hex'))
  expect(facts).toMatchObject({
    dataset_sha256: dataset.sha256,
    engine_version: ENGINE_VERSION,
    fused: true,
  })
})

it('is the same whatever the order of the keys, and another for another seed or processor', () => {
  const { training, ...rest } = job.resolvedConfig
  const turned = { training: Object.fromEntries(Object.entries(training).reverse()), ...rest }
  const reseeded = { ...job.resolvedConfig, seed: job.resolvedConfig.seed + 1 }
  const hash = (resolvedConfig: object, fused: boolean) =>
    makeManifest({ ...job, resolvedConfig: resolvedConfig as never }, fused).sha256

  expect(hash(turned, true)).toBe(hash(job.resolvedConfig, true))
  expect(hash(reseeded, true)).not.toBe(hash(job.resolvedConfig, true))
  expect(hash(job.resolvedConfig, false)).not.toBe(hash(job.resolvedConfig, true))
})
