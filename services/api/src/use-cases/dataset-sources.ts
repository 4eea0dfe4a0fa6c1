/** What a data set is made from: a file, rows in the body, a generator. */
import type {
  CreateDatasetBody,
  GeneratedDataset,
  InlineDataset,
  TableFormat,
  UploadDatasetQuery,
} from '@trainyard/contracts'
import { nameSchema } from '@trainyard/contracts'
import { formatOfContent, formatOfName } from '@trainyard/datasets'
import { DomainError } from '@trainyard/domain'
import type { ReceivedFiles } from '../files/receive-files.ts'
import type { DatasetSource } from './create-dataset.ts'

/** `format` is that of the media type, null when it says nothing; then the file's name decides, then its first bytes. */
export async function toFileSource(
  files: ReceivedFiles,
  format: TableFormat | null,
  query: UploadDatasetQuery,
): Promise<DatasetSource> {
  const { path, labelsPath, fileName } = files
  const { name, ...options } = query
  const known = format ?? formatOfName(fileName ?? '') ?? (await formatOfContent(path))
  const ownName = nameSchema.safeParse(fileName)
  return {
    name: name ?? (ownName.success ? ownName.data : `${known === 'csv' ? 'CSV' : known} upload`),
    ingest: (tables) => tables.ingestFile(path, { ...options, format: known, labelsPath }),
  }
}

/** Options of a file mean nothing for another body; ignoring them would be worse than refusing. */
export function toJsonSource(body: CreateDatasetBody, options: UploadDatasetQuery): DatasetSource {
  const errors = Object.keys(options).map((parameter) => ({
    parameter,
    detail: 'is an option of a file; in JSON say it in the body',
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
