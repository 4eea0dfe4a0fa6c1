/** The three things a data set is made from. */
import type {
  CreateDatasetBody,
  GeneratedDataset,
  InlineDataset,
  UploadDatasetQuery,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { DatasetSource } from './create-dataset.ts'

export function toCsvSource(path: string, options: UploadDatasetQuery): DatasetSource {
  const { name, ...csv } = options
  return { name: name ?? 'CSV upload', ingest: (tables) => tables.ingestCsv(path, csv) }
}

/** Options of a CSV body mean nothing for another one; ignoring them would be worse than refusing. */
export function toJsonSource(body: CreateDatasetBody, options: UploadDatasetQuery): DatasetSource {
  const errors = Object.keys(options).map((parameter) => ({
    parameter,
    detail: 'is an option of a text/csv body; in JSON say it in the body',
  }))
  if (errors.length > 0) throw new DomainError('validation_error', { errors })
  return 'builtin' in body ? toGenerated(body) : toInline(body)
}

function toGenerated({ name, builtin }: GeneratedDataset): DatasetSource {
  return {
    name: name ?? builtin.generator,
    ingest: (tables) => tables.ingestGenerated(builtin),
  }
}

function toInline({ name, columns, rows, target, types }: InlineDataset): DatasetSource {
  return {
    name: name ?? 'inline rows',
    ingest: (tables) => tables.ingestRows({ columns, rows, target, types }),
  }
}
