import { createHash } from 'node:crypto'
import type { Manifest } from '@trainyard/contracts'
import type { ClaimedJob } from '@trainyard/domain'
import { ENGINE_VERSION } from '@trainyard/engine'

/** What decided the bits of a job's weights, on a machine whose kernels are `fused` or not. */
export function makeManifest(
  job: Pick<ClaimedJob, 'resolvedConfig' | 'dataset'>,
  fused: boolean,
): Manifest {
  const facts = {
    config_sha256: hashJson(job.resolvedConfig),
    dataset_sha256: job.dataset.sha256,
    seed: job.resolvedConfig.seed,
    engine_version: ENGINE_VERSION,
    fused,
  }
  return { sha256: hashJson(facts), ...facts }
}

/** Keys are sorted, as their order says nothing and Postgres does not keep it. */
function hashJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
  return createHash('sha256').update(text).digest('hex')
}
