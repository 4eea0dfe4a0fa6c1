/** What can be said of a data set by its columns alone, without the library that reads tables. */
export { DataError } from './data-error.ts'
export { inputWidth } from './fit-preprocessing.ts'
export { tableBytes } from './table.ts'
