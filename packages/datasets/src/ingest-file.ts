import { DATASET_BYTES_MAX, type TableFormat } from '@trainyard/contracts'
import { DataError, type DataFault, refuse } from './data-error.ts'
import { type CsvOptions, ingestCsv } from './ingest-csv.ts'
import { ingestArff } from './readers/arff.ts'
import { type ArraySource, ingestArrays } from './readers/arrays.ts'
import { readIdx } from './readers/idx.ts'
import { ingestJson } from './readers/json.ts'
import { readNpy } from './readers/npy.ts'
import { ingestNpz } from './readers/npz.ts'
import { ingestParquet } from './readers/parquet.ts'
import type { Session } from './session.ts'
import type { Ingested } from './store-table.ts'

export interface FileOptions extends CsvOptions {
  /** Default csv. */
  format?: TableFormat | undefined
  /** A second .npy or IDX file with the labels, which become the target column `label`. */
  labelsPath?: string | undefined
}

/** Reads a file of any format into a data set. Throws DataError when it is not a table one can train on. */
export async function ingestFile(
  session: Session,
  path: string,
  options: FileOptions,
): Promise<Ingested> {
  assertOptions(options)
  switch (options.format ?? 'csv') {
    case 'csv':
      return await ingestCsv(session, path, options)
    case 'tsv':
      return await ingestCsv(session, path, { separator: '\t', ...options })
    case 'ndjson':
      return await ingestJson(session, path, 'newline_delimited', options)
    case 'json':
      return await ingestJson(session, path, 'array', options)
    case 'parquet':
      return await ingestParquet(session, path, options)
    case 'npz':
      return await ingestNpz(session, path, { ...options, bytesMax: DATASET_BYTES_MAX })
    case 'npy':
      return await ingestWithLabels(session, readNpy, path, options)
    case 'idx':
      return await ingestWithLabels(session, readIdx, path, options)
    case 'arff':
      return await ingestArff(session, path, options)
  }
}

async function ingestWithLabels(
  session: Session,
  read: (path: string, name?: string) => Promise<ArraySource>,
  path: string,
  options: FileOptions,
): Promise<Ingested> {
  const values = await read(path)
  if (options.labelsPath === undefined) {
    if (options.format === 'idx' && options.target === undefined) {
      refuse(
        'An IDX file holds values without labels: send those beside it in a multipart body, as the part labels, or name a target',
      )
    }
    return await ingestArrays(session, [values], options)
  }
  const labels = await read(options.labelsPath, 'label')
  if (labels.width !== 1) refuse('The file of labels must hold one label a row')
  return await ingestArrays(session, [values, labels], { target: 'label', ...options })
}

/** An option that means nothing for the format is refused: ignoring it would be worse. */
function assertOptions({ format = 'csv', separator, header, labelsPath }: FileOptions): void {
  const faults: DataFault[] = []
  const isCsv = format === 'csv' || format === 'tsv'
  for (const [name, value] of Object.entries({ separator, header })) {
    if (value === undefined || isCsv) continue
    faults.push({ detail: `${name}: is an option of CSV; the file is ${format}` })
  }
  if (labelsPath !== undefined && format !== 'npy' && format !== 'idx') {
    faults.push({ detail: `labels: belong to .npy and IDX files; the file is ${format}` })
  }
  if (faults.length > 0) throw new DataError(faults)
}
