/** Whether two trainings have given the same: their weights, and every value of every epoch but the timings. */
import type { Rig } from './rig.ts'

export interface Fingerprint {
  jobId: string
  kind: string
  weights: string
  metrics: string
}

/** Of all jobs that have succeeded. */
export async function readFingerprints(
  rig: Pick<Rig, 'query' | 'journal'>,
): Promise<Fingerprint[]> {
  const rows = await rig.query<{
    id: string
    submission: string
    weights: string
    metrics: string
  }>(`
    SELECT j.id, j.metadata->>'submission' AS submission,
      COALESCE((SELECT string_agg(which || ' ' || epoch || ' ' || sha256, ', ' ORDER BY which)
        FROM job_weights w WHERE w.job_id = j.id), '') AS weights,
      COALESCE((SELECT md5(string_agg(ROW(epoch, step, train_loss, train_penalty, train_accuracy, val_loss, val_accuracy,
          learning_rate, gradient_norm)::text, ';' ORDER BY epoch))
        FROM epoch_metrics m WHERE m.job_id = j.id), '') AS metrics
    FROM jobs j WHERE j.status = 'succeeded'`)
  return rows.map(({ id, submission, weights, metrics }) => ({
    jobId: id,
    kind: rig.journal.submissions[Number(submission)]?.kind ?? 'nobody asked for it',
    weights,
    metrics,
  }))
}
