export type { Changed, TableChange } from './change-table.ts'
export { completeRows } from './complete-rows.ts'
export { DataError, type DataFault } from './data-error.ts'
export { encodedWidth, transformWidth } from './encode-columns.ts'
export { encodeMatrix } from './encode-matrix.ts'
export { encodeRecords, type RecordsInput } from './encode-records.ts'
export {
  classIndices,
  encodeFeatures,
  encodeTargets,
  encodeWeights,
  groupIndices,
} from './encode-table.ts'
export { fitPreprocessing, inputWidth } from './fit-preprocessing.ts'
export { foldRows } from './fold-rows.ts'
export type { CsvOptions } from './ingest-csv.ts'
export type { FileOptions } from './ingest-file.ts'
export type { InlineRows } from './ingest-rows.ts'
export { oversampleRows } from './oversample-rows.ts'
export { type Split, splitRows } from './split-rows.ts'
export type { PredictedColumn, PredictedTable } from './store-predictions.ts'
export type { Ingested } from './store-table.ts'
export type { Table, TableColumn } from './table.ts'
export { formatOfContent, formatOfName } from './table-format.ts'
export { openTables, type Tables, type TablesOptions } from './tables.ts'
