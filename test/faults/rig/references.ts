/** What an undisturbed run of each kind gives, on whatever queue: trained once a campaign, before the first fault. */
import { type Fingerprint, readFingerprints } from './fingerprints.ts'
import type { KindName } from './job-kinds.ts'
import type { Rig } from './rig.ts'

const known = new Map<string, Fingerprint>()

export async function trainReferences(rig: Rig, kinds: readonly KindName[]): Promise<void> {
  const missing = kinds.filter((kind) => !known.has(kind))
  if (missing.length === 0) return
  await Promise.all(missing.map((kind) => rig.submitUntilAccepted(kind)))
  await rig.settle()
  const found = await readFingerprints(rig)
  for (const kind of missing) {
    const fingerprint = found.find((candidate) => candidate.kind === kind)
    if (fingerprint === undefined) throw new Error(`an undisturbed ${kind} has not succeeded`)
    known.set(kind, fingerprint)
  }
}

export function referenceOf(kind: string): Fingerprint | undefined {
  return known.get(kind)
}

/** Whether it has the bits of the undisturbed run. */
export function isUndisturbed({ kind, weights, metrics }: Fingerprint): boolean {
  const reference = known.get(kind)
  return reference?.weights === weights && reference.metrics === metrics
}
