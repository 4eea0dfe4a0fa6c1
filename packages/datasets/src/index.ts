export { completeRows } from './complete-rows.ts'
export { DataError, type DataFault } from './data-error.ts'
export { encodeRecords, type RecordsInput } from './encode-records.ts'
export {
  classIndices,
  encodeFeatures,
  encodeTargets,
  encodeWeights,
  groupIndices,
} from './encode-table.ts'
export { fitPreprocessing, inputWidth } from './fit-preprocessing.ts'
export type { CsvOptions, Ingested } from './ingest-csv.ts'
export type { InlineRows } from './ingest-rows.ts'
export { splitRows } from './split-rows.ts'
export { type Table, type TableColumn, tableBytes } from './table.ts'
export { openTables, type Tables, type TablesOptions } from './tables.ts'
