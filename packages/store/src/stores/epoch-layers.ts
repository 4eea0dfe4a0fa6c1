import type { EpochLayers, JobId } from '@trainyard/contracts'
import { detailToKeep, keptStrides } from '@trainyard/domain'
import type { Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'

interface LayersRow {
  epoch: number
  rows: number
  statistics: unknown
  histograms: unknown
}

type Statistics = EpochLayers['layers'][number]

/**
 * Common tables that store what was observed for the job of the common table `job`, and thin what is there already: a
 * job keeps some two hundred epochs however many it has. Begins with a comma; nothing when nothing was observed.
 */
export function keepEpochLayers(observed: readonly EpochLayers[]): Prisma.Sql {
  const newest = observed.at(-1)?.epoch
  if (newest === undefined) return Prisma.empty
  const kept = observed.filter(({ epoch }) => detailToKeep(epoch, newest) !== null)
  const epochs = kept.map(({ epoch }) => epoch)
  const rows = kept.map((each) => each.rows)
  const statistics = kept.map(({ layers }) =>
    JSON.stringify(layers.map(({ histograms: _, ...rest }) => rest)),
  )
  const histograms = kept.map(({ epoch, layers }) =>
    detailToKeep(epoch, newest) === 'histograms' && layers.every((layer) => layer.histograms)
      ? JSON.stringify(layers.map((layer) => layer.histograms))
      : null,
  )
  const strides = keptStrides(newest)
  return Prisma.sql`,
    observed AS (
      INSERT INTO epoch_layers (job_id, epoch, rows, statistics, histograms)
      SELECT job.id, epoch, rows, statistics::jsonb, histograms::jsonb
      FROM job, unnest(${epochs}::int[], ${rows}::int[], ${statistics}::text[], ${histograms}::text[])
        AS reported (epoch, rows, statistics, histograms)
      ON CONFLICT (job_id, epoch) DO NOTHING),
    thinned AS (
      DELETE FROM epoch_layers USING job
      WHERE job_id = job.id AND epoch > 1 AND epoch % ${strides.statistics}::int <> 0),
    thinned_histograms AS (
      UPDATE epoch_layers SET histograms = NULL FROM job
      WHERE job_id = job.id AND epoch > 1 AND histograms IS NOT NULL
        AND epoch % ${strides.statistics}::int = 0 AND epoch % ${strides.histograms}::int <> 0)`
}

export async function readEpochLayers(queryable: Queryable, jobId: JobId): Promise<EpochLayers[]> {
  const rows = await queryable.$queryRaw<LayersRow[]>`
    SELECT epoch, rows, statistics, histograms FROM epoch_layers WHERE job_id = ${jobId} ORDER BY epoch`
  return rows.map(({ epoch, rows, statistics, histograms }) => ({
    epoch,
    rows,
    layers: (statistics as Omit<Statistics, 'histograms'>[]).map((layer, i) => ({
      ...layer,
      histograms: (histograms as Statistics['histograms'][] | null)?.[i] ?? null,
    })),
  }))
}
