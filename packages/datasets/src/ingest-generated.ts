import { copyFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { GeneratedDataset, SHIPPED_DATASETS } from '@trainyard/contracts'
import { generateTable } from './generate-points.ts'
import { type Ingested, ingestCsv } from './ingest-csv.ts'
import type { Session } from './session.ts'
import { writeCsv } from './write-csv.ts'

const SHIPPED_TARGETS: Record<(typeof SHIPPED_DATASETS)[number], string> = {
  iris: 'species',
  wine: 'cultivar',
  digits: 'digit',
}

/** A data set that needs no upload: points from a generator, or one of the shipped files. */
export async function ingestGenerated(
  session: Session,
  builtin: GeneratedDataset['builtin'],
): Promise<Ingested> {
  // DuckDB reads nothing outside its folder, so shipped files come in as copies.
  const path = session.freshPath('csv')
  try {
    if (!('rows' in builtin)) {
      const shipped = new URL(`../../../data/${builtin.generator}.csv`, import.meta.url)
      await copyFile(fileURLToPath(shipped), path)
      return await ingestCsv(session, path, { target: SHIPPED_TARGETS[builtin.generator] })
    }
    const { columns, rows } = generateTable(builtin)
    await writeCsv(path, columns, rows)
    return await ingestCsv(session, path, { target: columns.at(-1) ?? '' })
  } finally {
    await rm(path, { force: true })
  }
}
