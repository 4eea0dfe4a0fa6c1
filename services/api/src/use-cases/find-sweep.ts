import type { ProjectId, Sweep } from '@trainyard/contracts'
import { DomainError, type SweepStore } from '@trainyard/domain'
import { isIdLike } from './find-job.ts'

/** The sweep, or `sweep_not_found`: of another project or never there, the answer is the same. */
export async function findSweep(
  sweeps: Pick<SweepStore, 'find'>,
  projectId: ProjectId,
  id: string,
): Promise<Sweep> {
  const sweep = isIdLike(id, 'swp') ? await sweeps.find(projectId, id) : null
  if (sweep === null) throw new DomainError('sweep_not_found')
  return sweep
}
