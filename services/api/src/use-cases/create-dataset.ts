import { rm } from 'node:fs/promises'
import { createId, type Dataset, type DatasetId, type ProjectId } from '@trainyard/contracts'
import type { Ingested, Tables } from '@trainyard/datasets'
import {
  type BlobStore,
  type DatasetStore,
  DomainError,
  type IdempotencyStore,
  type IdempotentRequest,
} from '@trainyard/domain'
import { storeFile } from '@trainyard/store'
import type { DatasetFiles } from '../files/dataset-files.ts'
import { findReplay, fromOnce, type Replayable } from './replay.ts'

export interface DatasetSource {
  name: string
  ingest: (tables: Tables) => Promise<Ingested>
}

export type CreateDataset = (
  projectId: ProjectId,
  source: DatasetSource,
  request: IdempotentRequest | null,
  /** The one under which its upload was shown. Default: a new one. */
  id?: DatasetId,
) => Promise<Replayable<Dataset>>

/** Reads a table, stores its content once, and makes a new data set of it. */
export function makeCreateDataset(deps: {
  tables: Tables
  datasets: Pick<DatasetStore, 'insert'>
  blobs: Pick<BlobStore, 'put'>
  idempotency: Pick<IdempotencyStore, 'find'>
  files: Pick<DatasetFiles, 'adopt'>
}): CreateDataset {
  const { tables, datasets, blobs, idempotency, files } = deps
  return async (projectId, source, request, id = createId('dataset')) => {
    const replay = await findReplay<Dataset>(idempotency, projectId, request)
    if (replay !== null) return replay
    const table = await ingest(tables, source)
    try {
      const blob = await storeFile(blobs, table.parquetPath)
      const { rows, columns, target, task, warnings, profile } = table
      const once = await datasets.insert(
        {
          id,
          projectId,
          name: source.name,
          ...{ rows, columns, target, task, warnings, profile },
          ...blob,
        },
        request,
      )
      await files.adopt(blob, table.parquetPath)
      return fromOnce(once, request)
    } catch (error) {
      await rm(table.parquetPath, { force: true })
      throw error
    }
  }
}

async function ingest(tables: Tables, source: DatasetSource): Promise<Ingested> {
  try {
    return await source.ingest(tables)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error
    throw new DomainError('storage_full', {}, { cause: error })
  }
}
